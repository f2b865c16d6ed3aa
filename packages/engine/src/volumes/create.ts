import type { VolumeCreateRequest, VolumeInspect } from '@wharf/api/volume';
import { notImplemented } from '@wharf/base/error';
import { describeVolume } from './describe.ts';
import type { VolumeDeps } from './volume-deps.ts';

/** Makes a volume, or answers the one of that name. */
export async function createVolume(
  { volumes, events }: VolumeDeps,
  request: VolumeCreateRequest,
): Promise<VolumeInspect> {
  if (request.ClusterVolumeSpec) throw notImplemented('ClusterVolumeSpec');
  const before = volumes.volumes().length;
  const record = await volumes.create({
    name: request.Name,
    driver: request.Driver,
    driverOpts: request.DriverOpts,
    labels: request.Labels,
  });
  if (volumes.volumes().length > before) {
    events.publish({ type: 'volume', action: 'create', id: record.name, attributes: { driver: record.driver } });
  }
  return describeVolume(await volumes.find(record.name));
}
