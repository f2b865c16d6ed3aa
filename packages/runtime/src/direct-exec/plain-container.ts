import type { OciSpec } from '@wharf/oci/runtime-spec';
import { hasOnly } from './plain-process.ts';

const linuxKeys = new Set([
  ...['namespaces', 'devices', 'cgroupsPath', 'resources', 'rootfsPropagation', 'seccomp', 'sysctl'],
  ...['maskedPaths', 'readonlyPaths'],
]);
const namespaceTypes = new Set(['mount', 'uts', 'ipc', 'pid', 'network', 'cgroup']);
const filterAnnotation = 'run.oci.seccomp_bpf_data';
/** Annotations by which crun does something else than usual, also at an exec. */
const runtimeAnnotation = /^(run\.oci|module\.wasm)\./;

export type Filtering = 'none' | 'filter';

/**
 * Whether a container has a seccomp filter; undefined for one with anything that an exec would have to know of and
 * that a join program does not do: it is the runtime's.
 */
export function plainContainer(spec: Partial<OciSpec>): Filtering | undefined {
  const { linux, annotations = {} } = spec;
  if (!linux || !hasOnly(linux, linuxKeys)) return undefined;
  if (linux.namespaces.some(({ type }) => !namespaceTypes.has(type))) return undefined;
  const names = Object.keys(annotations);
  if (names.some((name) => runtimeAnnotation.test(name) && name !== filterAnnotation)) return undefined;
  if (linux.seccomp?.flags?.length || linux.seccomp?.listenerPath) return undefined;
  return linux.seccomp || names.includes(filterAnnotation) ? 'filter' : 'none';
}
