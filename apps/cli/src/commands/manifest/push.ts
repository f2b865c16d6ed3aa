import { digestOf } from '@wharf/oci/digest-of';
import { parseManifest } from '@wharf/oci/manifest';
import { familiarName, formatCanonical, formatFamiliar, parseReference, type Reference } from '@wharf/oci/reference';
import { mountBlob } from '@wharf/registry/client/mount-blob';
import type { Repository } from '@wharf/registry/client/repository';
import { ExitError } from '../../exit-error.ts';
import { bool } from '../../flags/flag.ts';
import { fullReference, ManifestClient } from '../../manifest/manifest-client.ts';
import { listOf, type ManifestEntry } from '../../manifest/manifest-entry.ts';
import { ManifestStore } from '../../manifest/manifest-store.ts';
import { defineCommand, exactly } from '../command.ts';

export const command = defineCommand({
  usage: '[OPTIONS] MANIFEST_LIST',
  args: exactly(1),
  flags: {
    insecure: bool('Speak to a registry without TLS, or with a certificate of its own'),
    purge: bool('Forget the list here once it is there', { short: 'p' }),
  },
  async run(cli, { insecure, purge }, [listName = '']) {
    const reference = fullReference(listName);
    const list = formatFamiliar(reference);
    const store = new ManifestStore(cli.configDirectory);
    if (!store.has(list)) throw new ExitError(1, `No such manifest: ${formatCanonical(reference)}`);
    const entries = store.entries(list);
    for (const entry of entries) checkSource(reference, entry);
    const { signal } = new AbortController();
    const repository = await new ManifestClient(cli, { insecure }).repository(reference);
    await repository.settlePushHost(signal);
    for (const entry of entries) {
      await pushEntry(repository, { reference, entry, signal });
      const { digest } = entry.Descriptor;
      cli.out.print(`Pushed ref ${familiarName(reference)}@${digest} with digest: ${digest}\n`);
    }
    const { mediaType, value } = listOf(entries);
    const bytes = Buffer.from(JSON.stringify(value, null, 3));
    await repository.putManifest(reference.tag ?? 'latest', { mediaType, bytes: new Uint8Array(bytes) }, signal);
    cli.out.print(`${digestOf(bytes)}\n`);
    if (purge) store.remove(list);
  },
});

function checkSource(list: Reference, { Ref, Descriptor: { platform } }: ManifestEntry): void {
  const { domain } = parseReference(Ref);
  if (domain !== list.domain) {
    throw new ExitError(
      1,
      `cannot use source images from a different registry than the target image: ${domain} != ${list.domain}`,
    );
  }
  if (!platform?.architecture || !platform.os) {
    throw new ExitError(1, `manifest ${Ref} must have an OS and Architecture to be pushed to a registry`);
  }
}

/** With its blobs, which the registry has already in another repository. */
async function pushEntry(
  repository: Repository,
  { reference, entry, signal }: { reference: Reference; entry: ManifestEntry; signal: AbortSignal },
): Promise<void> {
  const bytes = Buffer.from(entry.Raw, 'base64');
  const { path } = parseReference(entry.Ref);
  if (path !== reference.path) {
    const { config, layers } = parseManifest(bytes);
    for (const { digest } of [config, ...layers]) {
      if (await repository.hasBlob(digest, signal)) continue;
      const { mounted } = await mountBlob(repository, { digest, from: path, signal });
      if (!mounted) throw new ExitError(1, `unable to mount ${digest} from ${entry.Ref}`);
    }
  }
  const { digest, mediaType } = entry.Descriptor;
  await repository.putManifest(digest, { mediaType, bytes: new Uint8Array(bytes) }, signal);
}
