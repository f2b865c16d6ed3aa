import { isErrorCode } from '@wharf/base/error';
import { ExitError } from '../exit-error.ts';
import { inspectFormat } from '../flags/common.ts';
import { bool, text } from '../flags/flag.ts';
import { atLeast, defineCommand } from './command.ts';
import { segment } from './for-each.ts';
import { inspectAll } from './inspect-all.ts';

const paths: Readonly<Record<string, (name: string) => string>> = {
  container: (name) => `/containers/${segment(name)}/json`,
  image: (name) => `/images/${segment(name)}/json`,
  network: (name) => `/networks/${segment(name)}`,
  volume: (name) => `/volumes/${segment(name)}`,
};

export const command = defineCommand({
  usage: '[OPTIONS] NAME|ID [NAME|ID...]',
  args: atLeast(1),
  complete: ['container'],
  flags: {
    format: inspectFormat,
    size: bool('Show how much disk containers take', { short: 's' }),
    type: text('Look for objects of this type only', { complete: Object.keys(paths) }),
  },
  async run(cli, { format, size, type }, names) {
    if (type !== '' && !Object.hasOwn(paths, type)) {
      throw new ExitError(
        1,
        `unknown type: ${JSON.stringify(type)}: must be one of "${Object.keys(paths).join('", "')}"`,
      );
    }
    const client = await cli.client();
    const kinds = type === '' ? Object.keys(paths) : [type];
    await inspectAll(cli, names, format, async (name) => {
      for (const kind of kinds) {
        const query = kind === 'container' ? { size: size || undefined } : {};
        try {
          return await client.text('GET', paths[kind]?.(name) ?? '', { query });
        } catch (error) {
          if (type !== '' || !isErrorCode(error, 'not_found')) throw error;
        }
      }
      throw new ExitError(1, `Error: No such object: ${name}`);
    });
  },
});
