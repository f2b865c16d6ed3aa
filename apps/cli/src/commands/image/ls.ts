import type { ImageSummary } from '@wharf/api/image';
import { ExitError } from '../../exit-error.ts';
import { filter, listFormat, noTrunc } from '../../flags/common.ts';
import { bool } from '../../flags/flag.ts';
import { filtersQuery } from '../../flags/key-values.ts';
import { imageRows, imageStyle } from '../../format/image-rows.ts';
import { formatList } from '../../format/list.ts';
import { atMost, defineCommand } from '../command.ts';

export const command = defineCommand({
  usage: '[OPTIONS] [REPOSITORY[:TAG]]',
  args: atMost(1),
  complete: ['image'],
  flags: {
    all: bool('Show intermediate images too', { short: 'a' }),
    digests: bool('Show digests'),
    filter: filter('"dangling=true", "reference=app:*", "label=key=value"'),
    format: listFormat,
    'no-trunc': noTrunc,
    quiet: bool('Show ids only', { short: 'q' }),
    tree: bool('Show the platforms of each image below it', { since: 47 }),
  },
  async run(cli, flags, [reference]) {
    const client = await cli.client();
    if (flags.tree) refuseBesideTree(flags);
    const format = flags.format || (flags.quiet ? '' : ((await cli.config()).imagesFormat ?? ''));
    const filters = reference === undefined ? flags.filter : [...flags.filter, `reference=${reference}`];
    const images = await client.json<ImageSummary[]>('GET', '/images/json', {
      query: { all: flags.all || undefined, manifests: flags.tree || undefined, filters: filtersQuery(filters) },
    });
    images.sort((a, b) => b.Created - a.Created);
    if (flags.tree) {
      const { formatImageTree } = await import('../../format/image-tree.ts');
      cli.out.print(formatImageTree(images));
      return;
    }
    const withDigests = flags.digests || /\{\{ *\.Digest *\}\}/.test(format);
    const rows = images.flatMap((image) =>
      imageRows(image, { truncate: !flags['no-trunc'], withDigests, digestRows: flags.digests }),
    );
    const chosen = flags.digests && format.startsWith('table ') && !withDigests ? `${format}\t{{.Digest}}` : format;
    cli.out.print(formatList(rows, chosen, flags.quiet, imageStyle(flags.digests)));
  },
});

interface Shown {
  readonly quiet: boolean;
  readonly 'no-trunc': boolean;
  readonly digests: boolean;
  readonly format: string;
}

function refuseBesideTree(flags: Shown): void {
  const refused = [
    ['quiet', flags.quiet],
    ['no-trunc', flags['no-trunc']],
    // Docker's name for it.
    ['show-digest', flags.digests],
    ['format', flags.format !== ''],
  ].find(([, given]) => given);
  if (refused) throw new ExitError(1, `--${refused[0]} is not yet supported with --tree`);
}
