import { formatFamiliar } from '@wharf/oci/reference';
import { ExitError } from '../../exit-error.ts';
import { strings, text } from '../../flags/flag.ts';
import { namedReference } from '../../manifest/manifest-client.ts';
import { orderedPlatform } from '../../manifest/manifest-entry.ts';
import { ManifestStore } from '../../manifest/manifest-store.ts';
import { defineCommand, exactly } from '../command.ts';

/** What Go programs are built for: `go tool dist list`. */
const architectures: Readonly<Record<string, readonly string[]>> = {
  linux: [
    ...['386', 'amd64', 'arm', 'arm64', 'loong64', 'mips', 'mipsle', 'mips64', 'mips64le', 'ppc64', 'ppc64le'],
    ...['riscv64', 's390x'],
  ],
  windows: ['386', 'amd64', 'arm', 'arm64'],
  darwin: ['386', 'amd64', 'arm', 'arm64'],
  freebsd: ['386', 'amd64', 'arm', 'arm64'],
  netbsd: ['386', 'amd64', 'arm', 'arm64'],
  openbsd: ['386', 'amd64', 'arm', 'arm64'],
  solaris: ['amd64'],
  plan9: ['386', 'amd64', 'arm'],
  dragonfly: ['amd64'],
};

export const command = defineCommand({
  usage: '[OPTIONS] MANIFEST_LIST MANIFEST',
  args: exactly(2),
  flags: {
    arch: text('Architecture', { complete: 'none' }),
    os: text('Operating system', { complete: 'none' }),
    'os-features': strings('Feature of the operating system', { complete: 'none' }),
    'os-version': text('Version of the operating system', { complete: 'none' }),
    variant: text('Variant of the architecture', { complete: 'none' }),
  },
  async run(cli, flags, [listName = '', imageName = '']) {
    const list = formatFamiliar(namedReference(listName, 'manifest list', 'annotate: '));
    const image = formatFamiliar(namedReference(imageName, 'manifest', 'annotate: '));
    const store = new ManifestStore(cli.configDirectory);
    const entry = store.get(list, image);
    if (!entry) throw new ExitError(1, `manifest for image ${imageName} does not exist in ${listName}`);
    const before = entry.Descriptor.platform ?? { architecture: '', os: '' };
    const platform = {
      ...before,
      architecture: flags.arch || before.architecture,
      os: flags.os || before.os,
      ...(flags.variant && { variant: flags.variant }),
      ...(flags['os-version'] && { 'os.version': flags['os-version'] }),
      'os.features': [...new Set([...(before['os.features'] ?? []), ...flags['os-features']])],
    };
    if (!architectures[platform.os]?.includes(platform.architecture)) {
      throw new ExitError(
        1,
        `manifest entry for image has unsupported os/arch combination: ${platform.os}/${platform.architecture}`,
      );
    }
    store.put(list, image, { ...entry, Descriptor: { ...entry.Descriptor, platform: orderedPlatform(platform) } });
  },
});
