import { parseReference } from '@wharf/oci/reference';
import { ExitError } from '../../exit-error.ts';
import { bool, text } from '../../flags/flag.ts';
import { defineCommand, exactly } from '../command.ts';
import { pullImage } from './pull-image.ts';

export const command = defineCommand({
  usage: '[OPTIONS] NAME[:TAG|@DIGEST]',
  args: exactly(1),
  complete: ['image'],
  flags: {
    'all-tags': bool('Pull every tag of the repository', { short: 'a' }),
    'disable-content-trust': bool('Skip the check of signatures', { initial: true, hidden: true }),
    platform: text('Platform to choose of an image that has several (os/arch)', { complete: 'platform' }),
    quiet: bool('Print only the name at the end', { short: 'q' }),
  },
  async run(cli, flags, [image = '']) {
    const platform = flags.platform || cli.environment.defaultPlatform || '';
    const allTags = flags['all-tags'];
    const { tag, digest } = parseReference(image);
    if (allTags && (tag !== undefined || digest !== undefined)) {
      throw new ExitError(1, "tag can't be used with --all-tags/-a");
    }
    if (tag === undefined && digest === undefined && !allTags && !flags.quiet)
      cli.out.print('Using default tag: latest\n');
    const name = await pullImage(cli, image, { platform, quiet: flags.quiet, output: cli.out, allTags });
    cli.out.print(`${name}\n`);
  },
});
