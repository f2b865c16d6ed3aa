import { readFileSync, writeFileSync } from 'node:fs';
import { invalidArgument } from '@wharf/base/error';

/** `net/ipv4/ip_forward`, in the present network namespace. False where the kernel has no such setting. */
export function writeSysctl(path: string, value: string): boolean {
  try {
    writeFileSync(`/proc/sys/${path}`, value);
    return true;
  } catch {
    return false;
  }
}

export function readSysctl(path: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/${path}`, 'utf8').trim();
  } catch {
    return undefined;
  }
}

/**
 * `net.ipv4.conf.eth0.forwarding` as a path; a slash stands for a dot inside a name, as with sysctl(8). Throws
 * invalid_argument for anything outside `net`, which belongs to the network namespace: the rest is the host's.
 */
export function networkSysctlPath(name: string): string {
  const segments = name.split('.').map((segment) => segment.replaceAll('/', '.'));
  const plain = segments.every((segment) => /^[\w.:-]+$/.test(segment) && !/^\.+$/.test(segment));
  if (segments[0] !== 'net' || segments.length < 2 || !plain) throw invalidArgument(`invalid network sysctl: ${name}`);
  return segments.join('/');
}

/** A setting of one interface, as the endpoint option `sysctls` lists them: IFNAME stands for its name. */
export interface InterfaceSysctl {
  readonly name: string;
  readonly value: string;
}

/** `net.ipv4.conf.IFNAME.log_martians=1,net.ipv6.conf.IFNAME.accept_ra=2`. Throws invalid_argument. */
export function parseInterfaceSysctls(text: string): InterfaceSysctl[] {
  return text
    .split(',')
    .filter((setting) => setting !== '')
    .map((setting) => {
      const match = /^(net\.(?:ipv4|ipv6|mpls)\.(?:conf|neigh)\.IFNAME\.\w+)=(\S*)$/.exec(setting);
      if (!match) throw invalidArgument(`invalid sysctl of an interface: ${setting}`);
      return { name: match[1]!, value: match[2]! };
    });
}
