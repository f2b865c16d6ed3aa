import type { VolumeInspect } from '@wharf/api/volume';
import { createRow, type Row } from '@wharf/base/template/row';
import { joinLabels } from './container-rows.ts';
import type { ListStyle } from './list.ts';
import { humanSize } from './units.ts';

export const volumeStyle: ListStyle = {
  headers: {
    Name: 'VOLUME NAME',
    Driver: 'DRIVER',
    Scope: 'SCOPE',
    Availability: 'AVAILABILITY',
    Mountpoint: 'MOUNTPOINT',
    Labels: 'LABELS',
    Links: 'LINKS',
    Size: 'SIZE',
    Group: 'GROUP',
    Status: 'STATUS',
  },
  table: '{{.Driver}}\t{{.Name}}',
  quiet: '{{.Name}}',
  raw: [
    ['name', 'Name'],
    ['driver', 'Driver'],
  ],
};

/** What templates see of a volume; the cluster's columns say N/A. */
export function volumeRow({ Name, Driver, Scope, Mountpoint, Labels, UsageData }: VolumeInspect): Row {
  return createRow('*formatter.volumeContext', {
    Name: () => Name,
    Driver: () => Driver,
    Scope: () => Scope,
    Mountpoint: () => Mountpoint,
    Labels: () => joinLabels(Labels),
    Label: (name) => Labels?.[String(name)] ?? '',
    Links: () => (UsageData ? String(UsageData.RefCount) : 'N/A'),
    Size: () => (UsageData ? humanSize(UsageData.Size) : 'N/A'),
    Group: () => 'N/A',
    Availability: () => 'N/A',
    Status: () => 'N/A',
  });
}
