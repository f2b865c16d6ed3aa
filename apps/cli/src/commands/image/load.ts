import type { JsonMessage } from '@wharf/api/streams/json-message';
import { ExitError } from '../../exit-error.ts';
import { bool, list, text } from '../../flags/flag.ts';
import { showProgress } from '../../terminal/progress.ts';
import { isTerminal } from '../../terminal/terminal.ts';
import { defineCommand, noArgs } from '../command.ts';
import { platformQuery } from './platform.ts';
import { readFile } from './read-file.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  args: noArgs,
  flags: {
    input: text('Read the archive from this file instead of standard input', { short: 'i', complete: 'file' }),
    platform: list('Load this platform only (os/arch)', { kind: 'strings', complete: 'platform', since: 48 }),
    quiet: bool('Say nothing while loading', { short: 'q' }),
  },
  async run(cli, { input, platform, quiet }) {
    const client = await cli.client();
    if (input === '' && isTerminal(0)) throw new ExitError(1, 'requested load from stdin, but stdin is empty');
    const body = input === '' ? Bun.stdin.stream() : await readFile(input);
    const silent = quiet || !isTerminal(1);
    const response = await client.request('POST', '/images/load', {
      query: { quiet: silent, platform: platform.flatMap((value) => platformQuery(value) ?? []) },
      body,
    });
    if (response.headers.get('content-type')?.startsWith('application/json')) {
      const { readJsonStream } = await import('@wharf/api/client/json-stream');
      await showProgress(readJsonStream<JsonMessage>(response.body), cli.out, 1);
      return;
    }
    for await (const chunk of response.body) await cli.out.write(chunk);
  },
});
