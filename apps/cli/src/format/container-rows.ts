import type { ContainerSummary } from '@wharf/api/container';
import { goQuote, goString } from '@wharf/base/template/go-print';
import { createRow, type Row } from '@wharf/base/template/row';
import type { Platform } from '@wharf/oci/image-config';
import type { ListStyle } from './list.ts';
import { formatPorts } from './ports.ts';
import { goTime, since } from './time.ts';
import { ellipsis, humanSize, truncateId } from './units.ts';

export const containerHeaders = {
  ID: 'CONTAINER ID',
  Names: 'NAMES',
  Image: 'IMAGE',
  Command: 'COMMAND',
  CreatedAt: 'CREATED AT',
  RunningFor: 'CREATED',
  Ports: 'PORTS',
  State: 'STATE',
  Status: 'STATUS',
  Size: 'SIZE',
  Labels: 'LABELS',
  Mounts: 'MOUNTS',
  LocalVolumes: 'LOCAL VOLUMES',
  Networks: 'NETWORKS',
  Platform: 'PLATFORM',
} as const;

export function containerStyle(size: boolean): ListStyle {
  const columns = '{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}';
  return {
    headers: containerHeaders,
    table: size ? `${columns}	{{.Size}}` : columns,
    quiet: '{{.ID}}',
    errors: { parse: 'failed to parse template', execute: 'failed to execute template' },
    raw: [
      ['container_id', 'ID'],
      ['image', 'Image'],
      ['command', 'Command'],
      ['created_at', 'CreatedAt'],
      ['state', 'State'],
      ['status', 'Status'],
      ['names', 'Names'],
      ['labels', 'Labels'],
      ['ports', 'Ports'],
      ...(size ? ([['size', 'Size']] as const) : []),
    ],
  };
}

/** What templates see of a listed container. */
export function containerRow(
  container: ContainerSummary,
  truncate: boolean,
  shortImage: (image: string) => string,
): Row {
  const {
    Id,
    Names,
    Image,
    ImageID,
    Command,
    Created,
    Labels,
    Mounts,
    NetworkSettings,
    SizeRw = 0,
    SizeRootFs = 0,
  } = container;
  return createRow('*formatter.ContainerContext', {
    ID: () => (truncate ? truncateId(Id) : Id),
    Names: () => formatNames(Names ?? [], truncate),
    Image: () => {
      if (Image === '') return '<no image>';
      if (!truncate) return Image;
      return truncateId(ImageID) === truncateId(Image) ? truncateId(ImageID) : shortImage(Image);
    },
    Command: () => goQuote(truncate ? ellipsis(Command, 20) : Command),
    CreatedAt: () => goTime(Created),
    RunningFor: () => since(Created),
    Platform: () => formatPlatform(container.ImageManifestDescriptor?.platform),
    Ports: () => formatPorts(container.Ports ?? []),
    State: () => container.State,
    Status: () => container.Status,
    Size: () => humanSize(SizeRw, 3) + (SizeRootFs > 0 ? ` (virtual ${humanSize(SizeRootFs, 3)})` : ''),
    Labels: () => joinLabels(Labels),
    Label: (name) => Labels?.[String(name)] ?? '',
    Mounts: () =>
      (Mounts ?? []).map(({ Name, Source }) => (truncate ? ellipsis(Name || Source, 15) : Name || Source)).join(','),
    LocalVolumes: () => String((Mounts ?? []).filter(({ Driver }) => Driver === 'local').length),
    Networks: () => Object.keys(NetworkSettings?.Networks ?? {}).join(','),
  });
}

/** `a=1,b=2`, by key. */
export function joinLabels(labels: Readonly<Record<string, string>> | null | undefined): string {
  return Object.entries(labels ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(',');
}

// Names with a further slash come from links of other containers.
function formatNames(names: readonly string[], truncate: boolean): string {
  const bare = names.map((name) => name.replace(/^\//, ''));
  return truncate ? (bare.find((name) => !name.includes('/')) ?? '') : bare.join(',');
}

function formatPlatform(platform: Platform | undefined): unknown {
  if (!platform) return null;
  const { architecture, os, variant } = platform;
  const text = [os, architecture, variant].filter(Boolean).join('/');
  // In the order of Go's type.
  const fields = { architecture, os, ...(variant ? { variant } : {}) };
  return Object.defineProperty(fields, goString, { value: text });
}
