import type { VolumeInspect } from '@wharf/api/volume';
import { describeVolume } from './describe.ts';
import type { VolumeDeps } from './volume-deps.ts';

export async function inspectVolume({ volumes }: VolumeDeps, name: string): Promise<VolumeInspect> {
  return describeVolume(await volumes.find(name));
}
