import { formatCanonical, formatFamiliar } from '@wharf/oci/reference';
import { ExitError } from '../../exit-error.ts';
import { fullReference } from '../../manifest/manifest-client.ts';
import { ManifestStore } from '../../manifest/manifest-store.ts';
import { atLeast, defineCommand } from '../command.ts';

export const command = defineCommand({
  usage: 'MANIFEST_LIST [MANIFEST_LIST...]',
  args: atLeast(1),
  flags: {},
  async run(cli, _flags, names) {
    const store = new ManifestStore(cli.configDirectory);
    const failures: string[] = [];
    for (const text of names) {
      const reference = fullReference(text);
      const list = formatFamiliar(reference);
      if (store.has(list)) store.remove(list);
      else failures.push(`No such manifest: ${formatCanonical(reference)}`);
    }
    if (failures.length > 0) throw new ExitError(1, failures.join('\n'));
  },
});
