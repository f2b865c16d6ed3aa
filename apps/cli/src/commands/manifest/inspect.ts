import { parseIndex, parseManifest } from '@wharf/oci/manifest';
import { isIndexType } from '@wharf/oci/media-type';
import { formatCanonical, formatFamiliar } from '@wharf/oci/reference';
import type { Cli } from '../../cli.ts';
import { ExitError } from '../../exit-error.ts';
import { bool } from '../../flags/flag.ts';
import { fullReference, ManifestClient } from '../../manifest/manifest-client.ts';
import {
  listOf,
  type ManifestEntry,
  orderedPlatform,
  shownDescriptor,
  shownManifest,
} from '../../manifest/manifest-entry.ts';
import { ManifestStore } from '../../manifest/manifest-store.ts';
import { defineCommand } from '../command.ts';

// Docker indents a list by three spaces and all else by tabs.
const listIndent = 3;

export const command = defineCommand({
  usage: '[OPTIONS] [MANIFEST_LIST] MANIFEST',
  args: { min: 1, max: 2 },
  flags: {
    insecure: bool('Speak to a registry without TLS, or with a certificate of its own'),
    verbose: bool('Show layers and platform too', { short: 'v' }),
  },
  async run(cli, { insecure, verbose }, args) {
    const client = new ManifestClient(cli, { insecure });
    if (args.length === 2) return inspectEntry(cli, args[0]!, args[1]!, verbose);
    const reference = fullReference(args[0]!);
    const name = formatFamiliar(reference);
    const store = new ManifestStore(cli.configDirectory);
    if (store.has(name)) {
      const entries = store.entries(name);
      print(cli, verbose ? entries : listOf(entries).value, verbose ? '\t' : listIndent);
      return;
    }
    if (verbose) {
      const entries = await client.entries(reference);
      print(cli, entries.length === 1 ? entries[0] : entries, '\t');
      return;
    }
    const found = await client.find(reference);
    if (!found) throw new ExitError(1, `no such manifest: ${name}`);
    const { mediaType } = found.descriptor;
    if (isIndexType(mediaType)) print(cli, shownList(found.bytes, mediaType), listIndent);
    else print(cli, shownManifest(parseManifest(found.bytes), mediaType), '\t');
  },
});

function inspectEntry(cli: Cli, listName: string, imageName: string, verbose: boolean): void {
  const [list, image] = [fullReference(listName), fullReference(imageName)];
  const entry = new ManifestStore(cli.configDirectory).get(formatFamiliar(list), formatFamiliar(image));
  if (!entry) throw new ExitError(1, `No such manifest: ${formatCanonical(image)}`);
  print(cli, verbose ? entry : manifestOf(entry), '\t');
}

function manifestOf({ SchemaV2Manifest, OCIManifest }: ManifestEntry): object {
  return SchemaV2Manifest ?? OCIManifest ?? {};
}

function shownList(bytes: Buffer, mediaType: string): object {
  const manifests = parseIndex(bytes).manifests.map(({ platform, ...descriptor }) => ({
    ...shownDescriptor(descriptor),
    ...(platform && { platform: orderedPlatform(platform) }),
  }));
  return { schemaVersion: 2, mediaType, manifests };
}

function print(cli: Cli, value: unknown, indent: string | number): void {
  cli.out.print(`${JSON.stringify(value, null, indent)}\n`);
}
