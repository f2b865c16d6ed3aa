import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { ImageInspect } from '@wharf/api/image';
import type { JsonMessage } from '@wharf/api/streams/json-message';
import { formatFamiliar, parseReference, withDefaultTag } from '@wharf/oci/reference';
import { makeRoot } from '../../bootstrap/make-root.ts';
import { findMirror } from '../../bootstrap/package-mirror.ts';
import { type RootImage, rootArchive } from '../../bootstrap/root-image.ts';
import type { Cli } from '../../cli.ts';
import { ExitError } from '../../exit-error.ts';
import { bool, strings, text } from '../../flags/flag.ts';
import { showProgress } from '../../terminal/progress.ts';
import { defineCommand, exactly } from '../command.ts';
import { segment } from '../for-each.ts';

const variants = ['minbase', 'essential', 'apt', 'required', 'important', 'standard', 'buildd', 'extract'];
/** Those that have nothing but what is included. */
const bare = ['extract'];

export const command = defineCommand({
  usage: '[OPTIONS] DISTRIBUTION:SUITE',
  args: exactly(1),
  details:
    'Makes a base image from the packages of Debian, Ubuntu or a distribution like them, without any registry. The\nsame packages give the same image, byte for byte.',
  flags: {
    architecture: text("Debian's word for another architecture than this machine's", { complete: ['amd64', 'arm64'] }),
    components: strings('Parts of the archive to take packages from (default main)', { complete: 'none' }),
    include: strings('More packages to install', { complete: 'none' }),
    mirror: text("Where the packages are (default this machine's own mirror)", { complete: 'none' }),
    quiet: bool('Print only the id at the end', { short: 'q' }),
    tag: text('Name of the image (default DISTRIBUTION:SUITE)', { short: 't', complete: 'image' }),
    variant: text('Which packages to begin with', { initial: 'minbase', complete: variants }),
  },
  async run(cli, flags, [source = '']) {
    const [, distribution = '', suite = ''] = /^([a-z][a-z0-9.-]*):([a-z][a-z0-9.-]*)$/.exec(source) ?? [];
    if (distribution === '')
      throw new ExitError(1, `${JSON.stringify(source)} is no distribution and suite, as debian:bookworm is`);
    if (!variants.includes(flags.variant)) {
      throw new ExitError(
        1,
        `invalid variant: ${JSON.stringify(flags.variant)}: must be one of ${variants.join(', ')}`,
      );
    }
    const name = formatFamiliar(withDefaultTag(parseReference(flags.tag || source)));
    const architecture = flags.architecture || (process.arch === 'arm64' ? 'arm64' : 'amd64');
    // Before anything is made: a daemon that is not there is said at once.
    const client = await cli.client();
    await client.call('GET', '/_ping');
    const mirror = await findMirror({ distribution, suite }, flags.mirror);
    const directory = mkdtempSync(join(tmpdir(), 'wharf-bootstrap-'));
    try {
      const target = join(directory, 'root.tar');
      const { variant, include } = flags;
      const components = flags.components.length > 0 ? flags.components : ['main'];
      const onLine = (line: string) => void (flags.quiet || cli.err.print(`${line}\n`));
      await makeRoot({ suite, mirror, variant, include, components, architecture, target, onLine });
      const history = `wharf image bootstrap --variant ${variant} ${include.length > 0 ? `--include ${include.join(',')} ` : ''}${source}`;
      const shell = bare.includes(variant) ? [] : ['bash'];
      await load(cli, target, { name, architecture, created: mirror.date, command: shell, history });
      const { Id } = await client.json<ImageInspect>('GET', `/images/${segment(name)}/json`);
      cli.out.print(flags.quiet ? `${Id}\n` : `Made ${name}: ${Id}\n`);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  },
});

async function load(cli: Cli, path: string, image: RootImage): Promise<void> {
  const client = await cli.client();
  const body = Readable.from(rootArchive(path, image), { objectMode: false });
  const messages = client.stream<JsonMessage>('POST', '/images/load', { query: { quiet: true }, body });
  await showProgress(messages, undefined, 1);
}
