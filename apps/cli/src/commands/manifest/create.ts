import { formatFamiliar } from '@wharf/oci/reference';
import { ExitError } from '../../exit-error.ts';
import { bool } from '../../flags/flag.ts';
import { fullReference, ManifestClient, namedReference } from '../../manifest/manifest-client.ts';
import { ManifestStore } from '../../manifest/manifest-store.ts';
import { atLeast, defineCommand } from '../command.ts';

export const command = defineCommand({
  usage: 'MANIFEST_LIST MANIFEST [MANIFEST...]',
  args: atLeast(2),
  flags: {
    amend: bool('Add to a list that is there', { short: 'a' }),
    insecure: bool('Speak to a registry without TLS, or with a certificate of its own'),
  },
  async run(cli, { amend, insecure }, [listName = '', ...images]) {
    const list = formatFamiliar(namedReference(listName, 'manifest list'));
    const store = new ManifestStore(cli.configDirectory);
    if (store.has(list) && !amend)
      throw new ExitError(1, 'refusing to amend an existing manifest list with no --amend flag');
    const client = new ManifestClient(cli, { insecure });
    for (const text of images) {
      const image = fullReference(text);
      const [entry, ...others] = await client.entries(image);
      if (!entry || others.length > 0) throw new ExitError(1, `${formatFamiliar(image)} is a manifest list`);
      store.put(list, formatFamiliar(image), entry);
    }
    cli.out.print(`Created manifest list ${list}\n`);
  },
});
