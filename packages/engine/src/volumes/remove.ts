import type { VolumeDeps } from './volume-deps.ts';

/** With `force` a volume that does not exist is no error. */
export async function removeVolume({ volumes, events }: VolumeDeps, name: string, force: boolean): Promise<void> {
  const existing = volumes.volumes().find((record) => record.name === name);
  await volumes.remove(name, { force });
  if (existing) {
    events.publish({ type: 'volume', action: 'destroy', id: name, attributes: { driver: existing.driver } });
  }
}
