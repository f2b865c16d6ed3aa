import { posix } from 'node:path';
import type { HostConfig } from '@wharf/api/container';
import { EngineError } from '@wharf/base/error';
import type { OciMount } from '@wharf/oci/runtime-spec';
import { refuseOverProc } from './proc-mounts.ts';

/** One mount as the engine resolved it: sources are paths of the host that exist. */
export interface SpecMount {
  readonly type: 'bind' | 'volume' | 'tmpfs' | 'image';
  readonly destination: string;
  readonly source: string;
  readonly readOnly: boolean;
  readonly propagation: string;
  readonly nonRecursive: boolean;
  readonly readOnlyNonRecursive: boolean;
  readonly readOnlyForceRecursive: boolean;
  readonly tmpfsOptions: readonly string[];
}

/** The container's own files on the host; the engine writes them before the start. */
export interface NetworkFiles {
  readonly hosts: string;
  readonly hostname: string;
  readonly resolvConf: string;
}

export interface MountsInput {
  readonly hostConfig: HostConfig;
  readonly mounts: readonly SpecMount[];
  readonly files: NetworkFiles | undefined;
  /** Host directory behind /dev/shm, for the ipc modes that share it. */
  readonly shmPath: string | undefined;
  /** Bytes, where HostConfig leaves it to the daemon. */
  readonly defaultShmSize: number;
  /** The init binary on the host, where one is wanted. */
  readonly init: string | undefined;
  /**
   * Whether a read-only bind of this source becomes so with all that is mounted below it (kernel 5.12 and a runtime
   * that knows `rro`). Nothing is below a file, and crun 1.8 fails on one.
   */
  readonly recursiveReadOnly: (source: string) => 'yes' | 'no' | 'needless';
  readonly writableCgroups: boolean;
  /** `bind` is the host's own mount: its message queues can be mounted by its own root only. */
  readonly messageQueues: 'mount' | 'bind' | 'none';
  /** Restrictions of the mount that a bind's source is on, where the runtime would lift them. */
  readonly restrictionsOf: (source: string) => readonly string[];
}

export const initDestination = '/sbin/docker-init';

/** Docker's mounts, then the user's in the order of their depth, so that nested ones land inside their parents. */
export function createMounts(input: MountsInput): OciMount[] {
  const own = sortByDepth([...userMounts(input), ...fileMounts(input), ...shmMounts(input)]);
  const taken = new Set(own.map((mount) => mount.destination));
  const defaults = defaultMounts(input).filter(
    ({ destination }) => !taken.has(destination) && !(taken.has('/dev') && destination.startsWith('/dev/')),
  );
  return [...defaults, ...own, ...initMount(input)];
}

function defaultMounts({ hostConfig, defaultShmSize, writableCgroups, messageQueues }: MountsInput): OciMount[] {
  const { Privileged, IpcMode, ReadonlyRootfs } = hostConfig;
  const readOnlySys = Privileged ? [] : ['ro'];
  const readOnlyCgroups = (Privileged || writableCgroups) && !ReadonlyRootfs ? [] : ['ro'];
  const mounts: OciMount[] = [
    fileSystem('/proc', 'proc', 'proc', ['nosuid', 'noexec', 'nodev']),
    fileSystem('/dev', 'tmpfs', 'tmpfs', ['nosuid', 'strictatime', 'mode=755', 'size=65536k']),
    fileSystem('/dev/pts', 'devpts', 'devpts', [
      'nosuid',
      'noexec',
      'newinstance',
      'ptmxmode=0666',
      'mode=0620',
      'gid=5',
    ]),
    fileSystem('/sys', 'sysfs', 'sysfs', ['nosuid', 'noexec', 'nodev', ...readOnlySys]),
    fileSystem('/sys/fs/cgroup', 'cgroup', 'cgroup', [...readOnlyCgroups, 'nosuid', 'noexec', 'nodev']),
  ];
  const queueOptions = ['nosuid', 'noexec', 'nodev'];
  if (messageQueues === 'mount') mounts.push(fileSystem('/dev/mqueue', 'mqueue', 'mqueue', queueOptions));
  if (messageQueues === 'bind') mounts.push(bind('/dev/mqueue', '/dev/mqueue', ['rbind', 'rprivate', ...queueOptions]));
  if (IpcMode !== 'none') {
    const size = `size=${hostConfig.ShmSize || defaultShmSize}`;
    mounts.push(fileSystem('/dev/shm', 'tmpfs', 'shm', ['nosuid', 'noexec', 'nodev', 'mode=1777', size]));
  }
  return mounts;
}

function fileSystem(destination: string, type: string, source: string, options: string[]): OciMount {
  return { destination, type, source, options };
}

function userMounts({ hostConfig, mounts, recursiveReadOnly, restrictionsOf }: MountsInput): OciMount[] {
  const tmpfs = Object.entries(hostConfig.Tmpfs).map(([destination, options]) => {
    refuseOverProc(destination, 'tmpfs');
    return fileSystem(destination, 'tmpfs', 'tmpfs', mergeTmpfsOptions(options.split(',')));
  });
  const others = mounts.map((mount) => {
    refuseOverProc(mount.destination, mount.source);
    if (mount.type === 'tmpfs')
      return fileSystem(mount.destination, 'tmpfs', 'tmpfs', mergeTmpfsOptions(mount.tmpfsOptions));
    const options = [mount.nonRecursive ? 'bind' : 'rbind'];
    if (mount.readOnly) options.push(readOnlyOption(mount, recursiveReadOnly));
    if (mount.propagation !== '') options.push(mount.propagation);
    const kept = restrictionsOf(mount.source).filter((name) => name !== 'ro' || !mount.readOnly);
    return bind(mount.source, mount.destination, [...options, ...kept]);
  });
  return [...others, ...tmpfs];
}

function readOnlyOption(mount: SpecMount, recursiveReadOnly: MountsInput['recursiveReadOnly']): 'ro' | 'rro' {
  if (mount.readOnlyNonRecursive || mount.nonRecursive) return 'ro';
  switch (recursiveReadOnly(mount.source)) {
    case 'yes':
      return 'rro';
    case 'needless':
      return 'ro';
    case 'no':
      if (!mount.readOnlyForceRecursive) return 'ro';
      throw new EngineError(
        'internal',
        `cannot make mount ${mount.destination} recursively read-only: not supported by the kernel or the OCI runtime`,
      );
  }
}

/** Options that exclude each other share a key; the last one given wins. */
const exclusive: Readonly<Record<string, string>> = {
  rw: 'ro',
  suid: 'nosuid',
  dev: 'nodev',
  exec: 'noexec',
  async: 'sync',
  nomand: 'mand',
  atime: 'noatime',
  diratime: 'nodiratime',
  norelatime: 'relatime',
  nostrictatime: 'strictatime',
};

function mergeTmpfsOptions(options: readonly string[]): string[] {
  const merged = new Map(['noexec', 'nosuid', 'nodev', 'rprivate'].map((option) => [option, option]));
  for (const option of options) {
    if (option === 'defaults' || option === '') continue;
    const key = exclusive[option] ?? option.split('=', 1)[0]!;
    merged.delete(key);
    merged.set(key, option);
  }
  return [...merged.values()];
}

function fileMounts({ files, mounts, hostConfig }: MountsInput): OciMount[] {
  if (!files) return [];
  const options = ['rbind', ...(hostConfig.ReadonlyRootfs ? ['ro'] : []), 'rprivate'];
  return [
    bind(files.resolvConf, '/etc/resolv.conf', options),
    bind(files.hostname, '/etc/hostname', options),
    bind(files.hosts, '/etc/hosts', options),
  ].filter(({ destination }) => !mounts.some((mount) => mount.destination === destination));
}

function shmMounts({ shmPath, mounts, hostConfig }: MountsInput): OciMount[] {
  if (shmPath === undefined || mounts.some((mount) => mount.destination === '/dev/shm')) return [];
  // crun remounts what it binds, and forgets the flags of the source.
  const flags = hostConfig.IpcMode === 'host' ? ['nosuid', 'nodev'] : ['nosuid', 'noexec', 'nodev'];
  return [bind(shmPath, '/dev/shm', ['rbind', 'rprivate', ...flags])];
}

function initMount({ init }: MountsInput): OciMount[] {
  return init === undefined ? [] : [bind(init, initDestination, ['bind', 'ro'])];
}

function bind(source: string, destination: string, options: string[]): OciMount {
  return { destination, type: 'bind', source, options };
}

function sortByDepth(mounts: OciMount[]): OciMount[] {
  const depth = (mount: OciMount) => posix.normalize(mount.destination).split('/').length;
  return mounts.sort((a, b) => depth(a) - depth(b));
}
