import type { HostConfig } from '@wharf/api/container';
import { invalidArgument } from '@wharf/base/error';

const ipcSysctls = new Set([
  'kernel.msgmax',
  'kernel.msgmnb',
  'kernel.msgmni',
  'kernel.sem',
  'kernel.shmall',
  'kernel.shmmax',
  'kernel.shmmni',
  'kernel.shm_rmid_forced',
]);

/** Only what a namespace of the container's own holds may be set; anything else would change the host. */
export function validateSysctls({ Sysctls, IpcMode, NetworkMode, UTSMode }: HostConfig): void {
  for (const name of Object.keys(Sysctls)) {
    const dotted = name.replaceAll('/', '.');
    if (dotted.includes('..')) throw notSeparate(name);
    if (ipcSysctls.has(dotted) || dotted.startsWith('fs.mqueue.')) {
      if (IpcMode !== 'host') continue;
      throw invalidArgument(`sysctl "${name}" is not allowed in the hosts ipc namespace`);
    }
    if (dotted.startsWith('net.')) {
      if (NetworkMode !== 'host') continue;
      throw invalidArgument(`sysctl "${name}" not allowed in host network namespace`);
    }
    if (dotted === 'kernel.domainname' && UTSMode !== 'host') continue;
    if (dotted === 'kernel.hostname') {
      throw invalidArgument(`sysctl "${name}" is not allowed as it conflicts with the OCI "hostname" field`);
    }
    throw notSeparate(name);
  }
}

function notSeparate(name: string): Error {
  return invalidArgument(`sysctl "${name}" is not in a separate kernel namespace`);
}
