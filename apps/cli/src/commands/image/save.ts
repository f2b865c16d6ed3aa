import { ExitError } from '../../exit-error.ts';
import { list, text } from '../../flags/flag.ts';
import { isTerminal } from '../../terminal/terminal.ts';
import { atLeast, defineCommand } from '../command.ts';
import { platformQuery } from './platform.ts';

export const command = defineCommand({
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  args: atLeast(1),
  complete: ['image'],
  flags: {
    output: text('Write to this file instead of standard output', { short: 'o', complete: 'file' }),
    platform: list('Save this platform only (os/arch)', { kind: 'strings', complete: 'platform', since: 48 }),
  },
  async run(cli, { output, platform }, names) {
    if (output === '' && isTerminal(1)) {
      throw new ExitError(1, 'cowardly refusing to save to a terminal. Use the -o flag or redirect');
    }
    const client = await cli.client();
    const { body } = await client.request('GET', '/images/get', {
      query: { names, platform: platform.flatMap((value) => platformQuery(value) ?? []) },
    });
    if (output === '') {
      for await (const chunk of body) await cli.out.write(chunk);
      return;
    }
    await writeWhole(output, body);
  },
});

// An archive that is not complete must not be taken for one.
async function writeWhole(path: string, body: AsyncIterable<Uint8Array>): Promise<void> {
  const { renameSync, rmSync } = await import('node:fs');
  const temporary = `${path}.partial${process.pid}`;
  const sink = Bun.file(temporary).writer();
  try {
    for await (const chunk of body) {
      sink.write(chunk);
      await sink.flush();
    }
    await sink.end();
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
