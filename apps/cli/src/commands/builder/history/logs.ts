import type { BuildStatus } from '@wharf/api/build-history';
import { askHistory, buildPath } from '../../../build/history-client.ts';
import { PlainLog } from '../../../build/plain-log.ts';
import { ExitError } from '../../../exit-error.ts';
import { text } from '../../../flags/flag.ts';
import { atMost, defineCommand } from '../../command.ts';

export const command = defineCommand({
  usage: '[OPTIONS] [REF]',
  args: atMost(1),
  complete: ['build'],
  flags: {
    progress: text('How to print it: "plain", or "rawjson" for programs', {
      initial: 'plain',
      complete: ['plain', 'rawjson'],
    }),
  },
  async run(cli, { progress }, [ref = '']) {
    if (!['plain', 'auto', 'tty', 'rawjson'].includes(progress)) {
      throw new ExitError(1, `invalid progress mode ${JSON.stringify(progress)}: plain or rawjson`);
    }
    await askHistory(cli, async (client) => {
      const log = new PlainLog((line) => cli.out.print(line));
      for await (const status of client.stream<BuildStatus>('GET', buildPath(ref, '/logs'))) {
        if (progress === 'rawjson') cli.out.print(`${JSON.stringify(status)}\n`);
        else log.add(status);
      }
      log.end();
    });
  },
});
