import type { VolumeInspect } from '@wharf/api/volume';
import type { VolumeDetail } from '@wharf/store/volumes/volume-store';

/** A volume in Docker's shape: what nobody set is null. */
export function describeVolume(record: VolumeDetail): VolumeInspect {
  return {
    CreatedAt: record.createdAt,
    Driver: record.driver,
    Labels: nullIfEmpty(record.labels),
    Mountpoint: record.mountpoint,
    Name: record.name,
    Options: nullIfEmpty(record.driverOpts),
    Scope: record.scope,
    ...(record.status && { Status: { ...record.status } }),
  };
}

function nullIfEmpty(map: Readonly<Record<string, string>>): Record<string, string> | null {
  return Object.keys(map).length === 0 ? null : { ...map };
}
