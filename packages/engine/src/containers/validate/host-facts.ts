import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { knownCapabilities } from '@wharf/runtime/spec/capabilities';
import { readDefaultMaskedPaths } from '@wharf/runtime/spec/system-paths';
import { readBoundingSet } from '@wharf/sys/capabilities';

/** What this host's kernel can do; what it lacks is dropped from requests with a warning. */
export interface HostFacts {
  readonly cgroupVersion: 1 | 2;
  readonly cpus: number;
  /** CPUs and memory nodes that exist, as the kernel writes lists: `0-3,8`. */
  readonly cpusetCpus: string;
  readonly cpusetMems: string;
  readonly memoryLimit: boolean;
  readonly swapLimit: boolean;
  readonly memoryReservation: boolean;
  readonly memorySwappiness: boolean;
  readonly oomKillDisable: boolean;
  readonly pidsLimit: boolean;
  readonly cpuCfs: boolean;
  readonly cpuShares: boolean;
  readonly cpuRealtime: boolean;
  readonly cpuset: boolean;
  readonly blkioWeight: boolean;
  readonly blkioWeightDevice: boolean;
  readonly blkioThrottle: boolean;
  readonly cgroupNamespaces: boolean;
  readonly ipv4Forwarding: boolean;
  readonly apparmor: boolean;
  readonly seccomp: boolean;
  /** What the engine may hand on to containers. */
  readonly capabilities: ReadonlySet<string>;
  readonly maskedPaths: readonly string[];
}

/** Reads the facts from /proc and the mounted cgroup hierarchies. */
export function readHostFacts(): HostFacts {
  const mounts = readCgroupMounts(readFileSync('/proc/self/mountinfo', 'utf8'));
  const bits = readBoundingSet();
  return {
    ...(mounts.unified !== undefined && mounts.v1.size === 0 ? readUnified(mounts.unified) : readV1(mounts.v1)),
    cpus: availableParallelism(),
    cgroupNamespaces: existsSync('/proc/self/ns/cgroup'),
    // Read each time: the engine's own networks switch it on.
    get ipv4Forwarding() {
      return readText('/proc/sys/net/ipv4/ip_forward') !== '0';
    },
    apparmor: existsSync('/sys/kernel/security/apparmor'),
    seccomp: existsSync('/proc/sys/kernel/seccomp'),
    capabilities: new Set(knownCapabilities.filter((_, bit) => bits.has(bit))),
    maskedPaths: readDefaultMaskedPaths(),
  };
}

interface CgroupMounts {
  /** By controller. */
  readonly v1: ReadonlyMap<string, string>;
  readonly unified: string | undefined;
}

function readCgroupMounts(mountInfo: string): CgroupMounts {
  const v1 = new Map<string, string>();
  let unified: string | undefined;
  for (const line of mountInfo.split('\n')) {
    const [left = '', right = ''] = line.split(' - ');
    const [type, , superOptions = ''] = right.split(' ');
    const target = left.split(' ')[4] ?? '';
    if (type === 'cgroup2') unified = target;
    if (type !== 'cgroup') continue;
    for (const option of superOptions.split(',')) v1.set(option, target);
  }
  return { v1, unified };
}

type CgroupFacts = Omit<
  HostFacts,
  'cpus' | 'cgroupNamespaces' | 'ipv4Forwarding' | 'apparmor' | 'seccomp' | 'capabilities' | 'maskedPaths'
>;

function readV1(mounts: ReadonlyMap<string, string>): CgroupFacts {
  const has = (controller: string, file: string) => {
    const directory = mounts.get(controller);
    return directory !== undefined && existsSync(join(directory, file));
  };
  const cpuset = mounts.get('cpuset');
  return {
    cgroupVersion: 1,
    cpusetCpus: cpuset === undefined ? '' : readText(join(cpuset, 'cpuset.cpus')),
    cpusetMems: cpuset === undefined ? '' : readText(join(cpuset, 'cpuset.mems')),
    memoryLimit: has('memory', 'memory.limit_in_bytes'),
    swapLimit: has('memory', 'memory.memsw.limit_in_bytes'),
    memoryReservation: has('memory', 'memory.soft_limit_in_bytes'),
    memorySwappiness: has('memory', 'memory.swappiness'),
    oomKillDisable: has('memory', 'memory.oom_control'),
    pidsLimit: mounts.has('pids'),
    cpuCfs: has('cpu', 'cpu.cfs_quota_us'),
    cpuShares: has('cpu', 'cpu.shares'),
    cpuRealtime: has('cpu', 'cpu.rt_runtime_us'),
    cpuset: cpuset !== undefined,
    blkioWeight: has('blkio', 'blkio.weight') || has('blkio', 'blkio.bfq.weight'),
    blkioWeightDevice: has('blkio', 'blkio.weight_device') || has('blkio', 'blkio.bfq.weight_device'),
    blkioThrottle: has('blkio', 'blkio.throttle.read_bps_device'),
  };
}

function readUnified(root: string): CgroupFacts {
  const controllers = new Set(readText(join(root, 'cgroup.controllers')).split(' '));
  const own = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? '/';
  return {
    cgroupVersion: 2,
    cpusetCpus: controllers.has('cpuset') ? readText(join(root, 'cpuset.cpus.effective')) : '',
    cpusetMems: controllers.has('cpuset') ? readText(join(root, 'cpuset.mems.effective')) : '',
    memoryLimit: controllers.has('memory'),
    // The root has no swap file to test; with the daemon in the root itself, the machine's own swap accounting decides.
    swapLimit:
      controllers.has('memory') &&
      (own === '/' ? existsSync('/proc/swaps') : existsSync(join(root, own, 'memory.swap.max'))),
    memoryReservation: controllers.has('memory'),
    memorySwappiness: false,
    oomKillDisable: false,
    pidsLimit: controllers.has('pids'),
    cpuCfs: controllers.has('cpu'),
    cpuShares: controllers.has('cpu'),
    cpuRealtime: false,
    cpuset: controllers.has('cpuset'),
    blkioWeight: controllers.has('io') && hasIoWeight(root),
    blkioWeightDevice: controllers.has('io') && hasIoWeight(root),
    blkioThrottle: controllers.has('io'),
  };
}

/** Weights need one of two optional I/O schedulers in the kernel; their files are in every cgroup but the root. */
function hasIoWeight(root: string): boolean {
  const children = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const controlled = children.filter(({ name }) => existsSync(join(root, name, 'io.stat')));
  if (controlled.length === 0) return true;
  return controlled.some(({ name }) =>
    ['io.weight', 'io.bfq.weight'].some((file) => existsSync(join(root, name, file))),
  );
}

function readText(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : '';
}
