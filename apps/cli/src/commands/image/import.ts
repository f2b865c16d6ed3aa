import type { JsonMessage } from '@wharf/api/streams/json-message';
import { parseReference } from '@wharf/oci/reference';
import { list, text } from '../../flags/flag.ts';
import { showProgress } from '../../terminal/progress.ts';
import { defineCommand } from '../command.ts';
import { readFile } from './read-file.ts';

export const command = defineCommand({
  usage: '[OPTIONS] file|URL|- [REPOSITORY[:TAG]]',
  args: { min: 1, max: 2 },
  complete: ['file', 'image'],
  flags: {
    change: list('Dockerfile instruction to apply to the image', { short: 'c', complete: 'none' }),
    message: text('Comment to keep with the image', { short: 'm', complete: 'none' }),
    platform: text('Platform that the image is for (os/arch)', { complete: 'platform' }),
  },
  async run(cli, { change, message, platform }, [source = '', name = '']) {
    const client = await cli.client();
    if (name !== '') parseReference(name);
    const remote = /^https?:\/\//.test(source);
    const progress = client.stream<JsonMessage>('POST', '/images/create', {
      query: {
        fromSrc: remote ? source : '-',
        repo: name || undefined,
        message: message || undefined,
        changes: change,
        platform: platform.toLowerCase() || undefined,
      },
      ...(remote ? {} : { body: source === '-' ? Bun.stdin.stream() : await readFile(source) }),
      headers: { 'Content-Type': 'text/plain' },
    });
    await showProgress(progress, cli.out, 1);
  },
});
