import type { ImageDeleteItem } from '@wharf/api/image';
import { isErrorCode } from '@wharf/base/error';
import { describeError } from '../../describe-error.ts';
import { ExitError } from '../../exit-error.ts';
import { bool, list } from '../../flags/flag.ts';
import { atLeast, defineCommand } from '../command.ts';
import { segment } from '../for-each.ts';
import { platformQuery } from './platform.ts';

export const command = defineCommand({
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  args: atLeast(1),
  complete: ['image'],
  flags: {
    force: bool('Remove it though stopped containers use it or it has several names', { short: 'f' }),
    'no-prune': bool('Keep parents that have no name'),
    platform: list('Remove this platform only (os/arch)', { kind: 'strings', complete: 'platform', since: 50 }),
  },
  async run(cli, { force, 'no-prune': keep, platform }, names) {
    const client = await cli.client();
    const platforms = platform.flatMap((text) => platformQuery(text) ?? []);
    const failures: string[] = [];
    let fatal = false;
    for (const name of names) {
      try {
        const items = await client.json<ImageDeleteItem[]>('DELETE', `/images/${segment(name)}`, {
          query: { force: force || undefined, noprune: keep || undefined, platforms },
        });
        for (const item of items) {
          cli.out.print('Untagged' in item ? `Untagged: ${item.Untagged}\n` : `Deleted: ${item.Deleted}\n`);
        }
      } catch (error) {
        if (!isErrorCode(error, 'not_found')) fatal = true;
        failures.push(describeError(error));
      }
    }
    if (failures.length === 0) return 0;
    if (!force || fatal) throw new ExitError(1, failures.join('\n'));
    cli.err.print(`${failures.join('\n')}\n`);
    return 0;
  },
});
