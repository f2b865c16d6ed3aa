import { closeSync, fstatSync, openSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { notFound } from '@wharf/base/error';
import { type IdMapping, mappedRoot } from '@wharf/base/id-mapping';
import { SystemError } from '@wharf/sys/errno';
import { actOnFilesAs } from '@wharf/sys/file-owner';
import { bindMount, mount, mountFlags, unmountAll } from '@wharf/sys/mount';
import { mountOverlay } from '@wharf/sys/overlay';
import { enterPrivateMounts, openBareNamespaceRoot, openNamespaceRoot } from '@wharf/sys/private-mounts';
import { makeDirectoryInRoot, type OpenFile, openFlags, openInRoot, openRoot } from '@wharf/sys/safe-path';
import type { OverlayMount } from '../snapshots/snapshotter.ts';

/** Where a container's files are. */
export type TreeSource =
  /** As a running container's init has them; `bare` without what is mounted below the root. */
  | {
      readonly kind: 'process';
      readonly pid: number;
      readonly containerId: string;
      readonly bare: boolean;
      readonly idMapping: IdMapping | undefined;
    }
  /** Of a container that does not run: its layers, and what would be mounted in them. */
  | {
      readonly kind: 'overlay';
      readonly overlay: OverlayMount;
      readonly mounts: readonly TreeMount[];
      readonly idMapping: IdMapping | undefined;
    };

export interface TreeMount {
  /** On the host. */
  readonly source: string;
  /** Inside `source`; empty for all of it. */
  readonly subpath: string;
  /** Inside the container. */
  readonly destination: string;
  readonly readOnly: boolean;
}

export interface OpenTree extends Disposable {
  readonly root: OpenFile;
  /** How the kernel names the root: what it says of files below begins with it. */
  readonly prefix: string;
  /** Owners are those of a remapped container on the host; archives speak of them as the container does. */
  readonly idMapping: IdMapping | undefined;
}

/** Opens the tree on this thread: see `enterPrivateMounts`. Throws not_found where the process is gone. */
export function openTree(source: TreeSource): OpenTree {
  const tree = source.kind === 'process' ? openProcessTree(source) : openOverlayTree(source);
  if (!source.idMapping) return tree;
  // To the file system of a remapped container the host's root is nobody, who can own nothing.
  const acting = actOnFilesAs(mappedRoot(source.idMapping));
  return {
    ...tree,
    [Symbol.dispose]: () => {
      acting[Symbol.dispose]();
      tree[Symbol.dispose]();
    },
  };
}

function openProcessTree({ pid, containerId, bare, idMapping }: Extract<TreeSource, { kind: 'process' }>): OpenTree {
  using process = openProcess(pid, containerId);
  const namespace = `/proc/self/fd/${process.fd}/ns/mnt`;
  const root = bare ? openBareNamespaceRoot(namespace) : openNamespaceRoot(namespace);
  return { root, prefix: '', idMapping, [Symbol.dispose]: () => root[Symbol.dispose]() };
}

// The directory stays that of this very process: a pid that is used again meanwhile does not deceive.
function openProcess(pid: number, containerId: string): OpenFile {
  const directory = openRoot(`/proc/${pid}`);
  try {
    const cgroups = readFileSync(`/proc/self/fd/${directory.fd}/cgroup`, 'utf8');
    if (!cgroups.includes(containerId)) throw notFound(`process ${pid} is not the container's any more`);
    return directory;
  } catch (error) {
    directory[Symbol.dispose]();
    throw error;
  }
}

function openOverlayTree({ overlay, mounts, idMapping }: Extract<TreeSource, { kind: 'overlay' }>): OpenTree {
  const cleanup = new DisposableStack();
  try {
    cleanup.use(enterPrivateMounts());
    // The kernel refuses to mount again what was volatile, since a crash may have torn it.
    rmSync(join(overlay.workDir, 'work', 'incompat'), { recursive: true, force: true });
    mountOverlay({ ...overlay, volatile: false });
    cleanup.defer(() => unmountAll(overlay.target));
    const root = cleanup.use(openRoot(overlay.target));
    {
      using _ = idMapping && actOnFilesAs(mappedRoot(idMapping));
      for (const one of mounts) cleanup.use(mountInTree(root, one, idMapping));
    }
    return { root, prefix: overlay.target, idMapping, [Symbol.dispose]: () => cleanup.dispose() };
  } catch (error) {
    cleanup.dispose();
    throw error;
  }
}

/** What the source names is what is mounted, and where the destination leads inside the root is the place. */
function mountInTree(
  root: OpenFile,
  { source, subpath, destination, readOnly }: TreeMount,
  idMapping: IdMapping | undefined,
): Disposable {
  using directory = openSource(source, subpath);
  const isDirectory = fstatSync(directory.fd).isDirectory();
  using place = makePlace(root, destination, isDirectory, idMapping);
  bindMount(`/proc/self/fd/${directory.fd}`, `/proc/self/fd/${place.fd}`, { recursive: true });
  // What lies on the place now, which `place` was opened before.
  const mounted = openInRoot(root, destination, openFlags.O_PATH);
  const target = `/proc/self/fd/${mounted.fd}`;
  if (readOnly) {
    const { MS_BIND, MS_REMOUNT, MS_RDONLY } = mountFlags;
    mount({ source: 'none', target, flags: MS_BIND | MS_REMOUNT | MS_RDONLY });
  }
  return mounted;
}

function openSource(source: string, subpath: string): OpenFile {
  if (subpath !== '') {
    using root = openRoot(source);
    return openInRoot(root, subpath, openFlags.O_PATH);
  }
  const fd = openSync(source, openFlags.O_PATH);
  return { fd, [Symbol.dispose]: () => closeSync(fd) };
}

function makePlace(root: OpenFile, destination: string, isDirectory: boolean, idMapping?: IdMapping): OpenFile {
  const attributes = { mode: 0o755, ...(idMapping ? mappedRoot(idMapping) : { uid: 0, gid: 0 }) };
  const O_CREAT = 0o100;
  makeDirectoryInRoot(root, isDirectory ? destination : dirname(destination), attributes);
  if (!isDirectory) openInRoot(root, destination, O_CREAT | openFlags.O_NONBLOCK, 0o644)[Symbol.dispose]();
  const place = openInRoot(root, destination, openFlags.O_PATH);
  if (fstatSync(place.fd).isDirectory() === isDirectory) return place;
  place[Symbol.dispose]();
  throw new SystemError(`mount on ${destination}`, 20);
}
