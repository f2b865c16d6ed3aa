import type { BuildCacheRecord, DiskUsage } from '@wharf/api/system';
import { compileTemplate, executeTemplate } from '@wharf/base/template/execute';
import { createRow, type Row, rowToJson } from '@wharf/base/template/row';
import { containerHeaders, containerRow } from '../../format/container-rows.ts';
import { imageHeaders, imageRow, imageRows } from '../../format/image-rows.ts';
import { formatList, guarded } from '../../format/list.ts';
import { shortImage } from '../../format/short-image.ts';
import { since } from '../../format/time.ts';
import { humanSize, truncateId } from '../../format/units.ts';
import { volumeRow, volumeStyle } from '../../format/volume-rows.ts';

/** `system df -v`: a table for each kind, or one template over all. */
export function formatVerbose(usage: DiskUsage, format: string): string {
  const truncate = format === '' || format.startsWith('table');
  const rows = {
    Images: (usage.Images ?? []).map((image) => {
      const [first] = imageRows(image, { truncate, withDigests: false, digestRows: false });
      return first ?? imageRow(image, truncate, { repository: '<none>', tag: '<none>', digest: '<none>' });
    }),
    Containers: (usage.Containers ?? []).map((container) =>
      containerRow({ ...container, SizeRootFs: 0 }, truncate, shortImage),
    ),
    Volumes: (usage.Volumes ?? []).map(volumeRow),
    BuildCache: (usage.BuildCache ?? []).map((record) => buildCacheRow(record, truncate)),
  };
  if (format === 'json') {
    return `${JSON.stringify(Object.fromEntries(Object.entries(rows).map(([name, list]) => [name, list.map(rowToJson)])))}\n`;
  }
  if (format !== '' && format !== 'table') {
    const template = guarded('template parsing error', () => compileTemplate(format.replace(/^table\s*/, '')));
    return guarded('template parsing error', () => executeTemplate(template, rows));
  }
  return tables(rows, usage.BuildCache ?? []);
}

function tables(
  rows: Readonly<Record<'Images' | 'Containers' | 'Volumes' | 'BuildCache', readonly Row[]>>,
  cache: readonly BuildCacheRecord[],
): string {
  const created = '{{.CreatedSince}}';
  const imageTable = formatList(rows.Images, '', false, {
    headers: imageHeaders,
    table: `{{.Repository}}\t{{.Tag}}\t{{.ID}}\t${created}\t{{.Size}}\t{{.SharedSize}}\t{{.UniqueSize}}\t{{.Containers}}`,
    quiet: '',
  });
  const containerTable = formatList(rows.Containers, '', false, {
    headers: containerHeaders,
    table: '{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.LocalVolumes}}\t{{.Size}}\t{{.RunningFor}}\t{{.Status}}\t{{.Names}}',
    quiet: '',
  });
  const volumeTable = formatList(rows.Volumes, '', false, {
    ...volumeStyle,
    table: '{{.Name}}\t{{.Links}}\t{{.Size}}',
  });
  const cacheTable = formatList(rows.BuildCache, '', false, {
    headers: buildCacheHeaders,
    table: `{{.ID}}\t{{.CacheType}}\t{{.Size}}\t${created}\t{{.LastUsedSince}}\t{{.UsageCount}}\t{{.Shared}}`,
    quiet: '',
  });
  const cacheSize = humanSize(cache.filter(({ Shared }) => !Shared).reduce((sum, { Size }) => sum + Size, 0));
  return [
    `Images space usage:\n\n${imageTable}`,
    `Containers space usage:\n\n${containerTable}`,
    `Local Volumes space usage:\n\n${volumeTable}`,
    `Build cache usage: ${cacheSize}\n\n${cacheTable}`,
  ].join('\n');
}

const buildCacheHeaders = {
  ID: 'CACHE ID',
  Parent: 'PARENT',
  CacheType: 'CACHE TYPE',
  Size: 'SIZE',
  CreatedSince: 'CREATED',
  LastUsedSince: 'LAST USED',
  UsageCount: 'USAGE',
  Shared: 'SHARED',
  InUse: 'IN USE',
  Description: 'DESCRIPTION',
} as const;

function buildCacheRow(record: BuildCacheRecord, truncate: boolean): Row {
  const sinceText = (text: string | null) => (text ? since(Date.parse(text) / 1000) : '');
  return createRow('*formatter.buildCacheContext', {
    ID: () => (truncate ? truncateId(record.ID) : record.ID) + (record.InUse ? '*' : ''),
    Parent: () => (record.Parents ?? []).join(', '),
    CacheType: () => record.Type,
    Size: () => humanSize(record.Size, 3),
    CreatedSince: () => sinceText(record.CreatedAt),
    CreatedAt: () => record.CreatedAt,
    LastUsedSince: () => sinceText(record.LastUsedAt),
    LastUsedAt: () => record.LastUsedAt ?? '',
    UsageCount: () => String(record.UsageCount),
    InUse: () => String(record.InUse),
    Shared: () => String(record.Shared),
    Description: () => record.Description,
  });
}
