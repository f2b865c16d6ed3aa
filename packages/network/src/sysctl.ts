import { readFileSync, writeFileSync } from 'node:fs';

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

/** `net.ipv4.conf.eth0.forwarding` as a path; a slash stands for a dot inside a name, as with sysctl(8). */
export function sysctlPath(name: string): string {
  return name.replace(/[./]/g, (separator) => (separator === '.' ? '/' : '.'));
}
