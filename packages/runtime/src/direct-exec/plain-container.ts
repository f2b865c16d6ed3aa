import type { IdMapping, IdRange } from '@wharf/base/id-mapping';
import type { OciIdMapping, OciSpec } from '@wharf/oci/runtime-spec';
import { hasOnly } from './plain-process.ts';

const linuxKeys = new Set([
  ...['namespaces', 'devices', 'cgroupsPath', 'resources', 'rootfsPropagation', 'seccomp', 'sysctl'],
  ...['maskedPaths', 'readonlyPaths', 'uidMappings', 'gidMappings'],
]);
const namespaceTypes = new Set(['mount', 'uts', 'ipc', 'pid', 'network', 'cgroup', 'user']);
const filterAnnotation = 'run.oci.seccomp_bpf_data';
/** Annotations by which crun does something else than usual, also at an exec. */
const runtimeAnnotation = /^(run\.oci|module\.wasm)\./;

export interface PlainContainer {
  readonly hasFilter: boolean;
  /** Whom its users are on the host, where it has a user namespace. */
  readonly idMapping: IdMapping | undefined;
}

/**
 * What has to be known of a container to join it; undefined for one with anything that an exec would have to know of and
 * that a join program does not do: it is the runtime's.
 */
export function plainContainer(spec: Partial<OciSpec>): PlainContainer | undefined {
  const { linux, annotations = {} } = spec;
  if (!linux || !hasOnly(linux, linuxKeys)) return undefined;
  if (linux.namespaces.some(({ type }) => !namespaceTypes.has(type))) return undefined;
  const names = Object.keys(annotations);
  if (names.some((name) => runtimeAnnotation.test(name) && name !== filterAnnotation)) return undefined;
  if (linux.seccomp?.flags?.length || linux.seccomp?.listenerPath) return undefined;
  const { uidMappings, gidMappings } = linux;
  const isRemapped = linux.namespaces.some(({ type }) => type === 'user');
  if (isRemapped && !(uidMappings && gidMappings)) return undefined;
  return {
    hasFilter: linux.seccomp !== undefined || names.includes(filterAnnotation),
    idMapping: isRemapped ? { uids: uidMappings!.map(idRange), gids: gidMappings!.map(idRange) } : undefined,
  };
}

function idRange({ containerID, hostID, size }: OciIdMapping): IdRange {
  return { inside: containerID, outside: hostID, size };
}
