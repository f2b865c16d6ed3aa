import type { VolumeInspect } from '@wharf/api/volume';
import { ExitError } from '../../exit-error.ts';
import { list, text } from '../../flags/flag.ts';
import { checkLabel, toMap } from '../../flags/key-values.ts';
import { atMost, defineCommand } from '../command.ts';
import { clusterFlags, clusterVolumeSpec } from './cluster-volume.ts';

export const command = defineCommand({
  usage: '[OPTIONS] [VOLUME]',
  args: atMost(1),
  complete: ['none'],
  flags: {
    ...clusterFlags,
    driver: text('Volume driver', { short: 'd', initial: 'local', complete: ['local'] }),
    label: list('Set a label (key=value)', { check: checkLabel, complete: 'none' }),
    name: text('Name of the volume', { hidden: true }),
    opt: list('Option of the driver (key=value)', { short: 'o', kind: 'map', shown: 'map[]', complete: 'none' }),
  },
  async run(cli, flags, [argument]) {
    const { driver, label, name, opt } = flags;
    const spec = clusterVolumeSpec(flags);
    if (argument !== undefined && name !== '') {
      throw new ExitError(
        1,
        'conflicting options: cannot specify a volume-name through both --name and as a positional arg',
      );
    }
    const client = await cli.client();
    const volume = await client.json<VolumeInspect>('POST', '/volumes/create', {
      body: {
        Name: argument ?? name,
        Driver: driver,
        DriverOpts: toMap(opt),
        Labels: toMap(label),
        ...(spec && { ClusterVolumeSpec: spec }),
      },
    });
    cli.out.print(`${volume.Name}\n`);
  },
});
