import type { DiskUsage } from '@wharf/api/system';
import { createRow, type Row } from '@wharf/base/template/row';
import { humanSize } from '../../format/units.ts';

interface Part {
  readonly type: string;
  readonly total: number;
  readonly active: number;
  readonly size: number;
  readonly reclaimable: number;
  readonly percent: boolean;
}

/** One row for images, containers, volumes and build cache each. */
export function summarize(usage: DiskUsage): Row[] {
  return [images(usage), containers(usage), volumes(usage), buildCache(usage)].map(partRow);
}

function images({ Images, LayersSize = 0 }: DiskUsage): Part {
  const all = Images ?? [];
  const used = all
    .filter(({ Containers, Size, SharedSize }) => Containers !== 0 && Size !== -1 && SharedSize !== -1)
    .reduce((sum, { Size, SharedSize }) => sum + Size - SharedSize, 0);
  return {
    type: 'Images',
    total: all.length,
    active: all.filter(({ Containers }) => Containers > 0).length,
    size: LayersSize,
    reclaimable: LayersSize - used,
    percent: true,
  };
}

function containers({ Containers }: DiskUsage): Part {
  const all = Containers ?? [];
  const isActive = ({ State }: { State: string }) => /running|paused|restarting/.test(State);
  const size = (list: typeof all) => list.reduce((sum, { SizeRw = 0 }) => sum + SizeRw, 0);
  return {
    type: 'Containers',
    total: all.length,
    active: all.filter(isActive).length,
    size: size(all),
    reclaimable: size(all.filter((container) => !isActive(container))),
    percent: true,
  };
}

function volumes({ Volumes }: DiskUsage): Part {
  const measured = (Volumes ?? []).map(({ UsageData }) => UsageData ?? { Size: -1, RefCount: 0 });
  const size = (list: typeof measured) => list.reduce((sum, { Size }) => sum + Math.max(0, Size), 0);
  return {
    type: 'Local Volumes',
    total: measured.length,
    active: measured.filter(({ RefCount }) => RefCount > 0).length,
    size: size(measured),
    reclaimable: size(measured.filter(({ RefCount }) => RefCount === 0)),
    percent: true,
  };
}

function buildCache({ BuildCache }: DiskUsage): Part {
  const own = (BuildCache ?? []).filter(({ Shared }) => !Shared);
  const size = (list: typeof own) => list.reduce((sum, { Size }) => sum + Size, 0);
  return {
    type: 'Build Cache',
    total: (BuildCache ?? []).length,
    active: (BuildCache ?? []).filter(({ InUse }) => InUse).length,
    size: size(own),
    reclaimable: size(own.filter(({ InUse }) => !InUse)),
    percent: false,
  };
}

function partRow({ type, total, active, size, reclaimable, percent }: Part): Row {
  const share = percent && size > 0 ? ` (${Math.trunc((reclaimable * 100) / size)}%)` : '';
  return createRow('*formatter.diskUsageContext', {
    Type: () => type,
    TotalCount: () => String(total),
    Active: () => String(active),
    Size: () => humanSize(size),
    Reclaimable: () => humanSize(reclaimable) + share,
  });
}
