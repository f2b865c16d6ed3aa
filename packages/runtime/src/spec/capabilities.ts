import { invalidArgument } from '@wharf/base/error';

/** Every capability of the kernel, in bit order: include/uapi/linux/capability.h. */
export const knownCapabilities = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_DAC_READ_SEARCH',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETPCAP',
  'CAP_LINUX_IMMUTABLE',
  'CAP_NET_BIND_SERVICE',
  'CAP_NET_BROADCAST',
  'CAP_NET_ADMIN',
  'CAP_NET_RAW',
  'CAP_IPC_LOCK',
  'CAP_IPC_OWNER',
  'CAP_SYS_MODULE',
  'CAP_SYS_RAWIO',
  'CAP_SYS_CHROOT',
  'CAP_SYS_PTRACE',
  'CAP_SYS_PACCT',
  'CAP_SYS_ADMIN',
  'CAP_SYS_BOOT',
  'CAP_SYS_NICE',
  'CAP_SYS_RESOURCE',
  'CAP_SYS_TIME',
  'CAP_SYS_TTY_CONFIG',
  'CAP_MKNOD',
  'CAP_LEASE',
  'CAP_AUDIT_WRITE',
  'CAP_AUDIT_CONTROL',
  'CAP_SETFCAP',
  'CAP_MAC_OVERRIDE',
  'CAP_MAC_ADMIN',
  'CAP_SYSLOG',
  'CAP_WAKE_ALARM',
  'CAP_BLOCK_SUSPEND',
  'CAP_AUDIT_READ',
  'CAP_PERFMON',
  'CAP_BPF',
  'CAP_CHECKPOINT_RESTORE',
] as const;

const defaultCapabilities: readonly string[] = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FSETID',
  'CAP_FOWNER',
  'CAP_MKNOD',
  'CAP_NET_RAW',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETFCAP',
  'CAP_SETPCAP',
  'CAP_NET_BIND_SERVICE',
  'CAP_SYS_CHROOT',
  'CAP_KILL',
  'CAP_AUDIT_WRITE',
];

const all = 'ALL';

/** `net_admin`, `CAP_NET_ADMIN` and `all` as written to `CAP_NET_ADMIN` and `ALL`. Throws `unknown capability: "CAP_X"`. */
export function parseCapability(text: string): string {
  const upper = text.toUpperCase();
  if (upper === all) return all;
  const name = upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
  if (!(knownCapabilities as readonly string[]).includes(name)) throw invalidArgument(`unknown capability: "${name}"`);
  return name;
}

export interface CapabilityWishes {
  readonly privileged: boolean;
  readonly add: readonly string[] | null;
  readonly drop: readonly string[] | null;
}

/**
 * What the container's root may do. `available` is the engine's own bounding set: nobody can hand on more, and a
 * runtime that is told to would refuse or warn.
 */
export function resolveCapabilities(wishes: CapabilityWishes, available: ReadonlySet<string>): string[] {
  return wanted(wishes).filter((name) => available.has(name));
}

/** Whether such a container may be given this capability. */
export function wantsCapability(wishes: CapabilityWishes, name: string): boolean {
  return wanted(wishes).includes(name);
}

function wanted({ privileged, add, drop }: CapabilityWishes): readonly string[] {
  if (privileged) return knownCapabilities;
  const added = (add ?? []).map(parseCapability);
  const dropped = (drop ?? []).map(parseCapability);
  if (added.length === 0 && dropped.length === 0) return defaultCapabilities;
  if (added.includes(all)) return knownCapabilities.filter((name) => !dropped.includes(name));
  const base = dropped.includes(all) ? [] : defaultCapabilities.filter((name) => !dropped.includes(name));
  return [...new Set([...base, ...added])];
}
