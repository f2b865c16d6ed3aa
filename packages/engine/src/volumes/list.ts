import {
  booleanFilter,
  checkFilterNames,
  type Filters,
  matchesExactly,
  matchesLabels,
  matchesPattern,
} from '@wharf/api/filters';
import type { VolumeList } from '@wharf/api/volume';
import { describeVolume } from './describe.ts';
import type { VolumeDeps } from './volume-deps.ts';

export async function listVolumes({ volumes }: VolumeDeps, filters: Filters): Promise<VolumeList> {
  checkFilterNames(filters, ['dangling', 'driver', 'label', 'name']);
  const dangling = filters.has('dangling') ? booleanFilter(filters, 'dangling', false) : undefined;
  const { volumes: all, warnings } = await volumes.list();
  const matching = all.filter(
    ({ name, driver, labels }) =>
      matchesPattern(filters, 'name', name) &&
      matchesExactly(filters, 'driver', driver) &&
      matchesLabels(filters, 'label', labels) &&
      (dangling === undefined || dangling === (volumes.users(name).length === 0)),
  );
  return { Volumes: matching.map(describeVolume), Warnings: warnings.length > 0 ? [...warnings] : null };
}
