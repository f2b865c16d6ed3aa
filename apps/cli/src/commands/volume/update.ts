import type { VolumeInspect } from '@wharf/api/volume';
import { ExitError } from '../../exit-error.ts';
import { isChanged } from '../../flags/flag.ts';
import { requireVersionOfCommand } from '../../require-version.ts';
import { atMost, defineCommand } from '../command.ts';
import { availability } from './cluster-volume.ts';

export const command = defineCommand({
  usage: '[OPTIONS] [VOLUME]',
  args: atMost(1),
  complete: ['volume'],
  flags: { availability },
  async run(cli, flags, [name = '']) {
    await requireVersionOfCommand(cli, 'volume update', 42);
    const client = await cli.client();
    const { ClusterVolume } = await client.json<VolumeInspect>('GET', `/volumes/${encodeURIComponent(name)}`);
    if (!ClusterVolume) throw new ExitError(1, 'Can only update cluster volumes');
    const { ID, Spec, Version } = ClusterVolume;
    const changed = isChanged(flags, 'availability') ? { ...Spec, Availability: flags.availability } : Spec;
    await client.json('PUT', `/volumes/${encodeURIComponent(ID)}`, {
      query: { version: String(Version?.Index ?? 0) },
      body: { Spec: changed },
    });
    cli.out.print(`${name}\n`);
  },
});
