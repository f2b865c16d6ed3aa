/** Consecutive ids of a user namespace, and which of the host's they are. user_namespaces(7) */
export interface IdRange {
  readonly inside: number;
  readonly outside: number;
  readonly size: number;
}

/** Whom the users and groups of remapped containers are on the host. The first range holds root. */
export interface IdMapping {
  readonly uids: readonly IdRange[];
  readonly gids: readonly IdRange[];
}

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** The kernel's own stand-in for an id without a counterpart. */
const overflowId = 65534;

/** Undefined for an id that the namespace does not have. */
export function toHostId(ranges: readonly IdRange[], id: number): number | undefined {
  const range = ranges.find(({ inside, size }) => id >= inside && id < inside + size);
  return range && range.outside + (id - range.inside);
}

/** As somebody inside sees it: what has no counterpart belongs to nobody. */
export function toContainerId(ranges: readonly IdRange[], id: number): number {
  const range = ranges.find(({ outside, size }) => id >= outside && id < outside + size);
  return range ? range.inside + (id - range.outside) : overflowId;
}

/** Whom root inside is on the host. */
export function mappedRoot({ uids, gids }: IdMapping): Owner {
  return { uid: toHostId(uids, 0)!, gid: toHostId(gids, 0)! };
}

/** As the kernel takes it in `/proc/<pid>/uid_map`. */
export function formatIdRanges(ranges: readonly IdRange[]): string {
  return ranges.map(({ inside, outside, size }) => `${inside} ${outside} ${size}\n`).join('');
}
