import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { EngineError } from '@wharf/base/error';
import { mount, mountFlags } from '@wharf/sys/mount';
import type { DeviceMount } from './volume-options.ts';

const { MS_BIND, MS_REC, MS_RDONLY, MS_REMOUNT, MS_PRIVATE, MS_SHARED, MS_SLAVE } = mountFlags;
const propagation = MS_PRIVATE | MS_SHARED | MS_SLAVE;

/** Mounts what the volume's options name at its data directory. Throws Docker's `failed to mount local volume`. */
export async function mountDevice(request: DeviceMount, target: string): Promise<void> {
  const { type, device, flags, data } = await withAddress(request);
  try {
    mount({ source: device, target, type, flags: flags & ~propagation, data });
    // A bind takes read-only, and any mount its propagation, on a call of their own.
    if (flags & MS_BIND && flags & MS_RDONLY) {
      mount({ source: 'none', target, flags: MS_BIND | MS_REMOUNT | MS_RDONLY });
    }
    if (flags & propagation) mount({ source: 'none', target, flags: flags & (propagation | MS_REC) });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.replace(/^mount .*: /, '') : String(cause);
    const details = [
      ...(flags === 0 ? [] : [`flags: 0x${flags.toString(16)}`]),
      ...(data === '' ? [] : [`data: ${withoutSecrets(data)}`]),
    ];
    throw new EngineError(
      'internal',
      `failed to mount local volume: ${[`mount ${device}:${target}`, ...details].join(', ')}: ${why}`,
    );
  }
}

/** The kernel's cifs takes a password among its options; mount(2)'s own error is no cause either, it may hold them. */
function withoutSecrets(data: string): string {
  return data.replace(/(^|,)(pass|password|password2)=[^,]*/gi, '$1$2=********');
}

/** The kernel's nfs and cifs clients want an address where people write a name. */
async function withAddress(request: DeviceMount): Promise<DeviceMount> {
  const name = /(?:^|,)addr=([^,]*)/.exec(request.data)?.[1];
  if (!name || isIP(name) !== 0 || !['nfs', 'nfs4', 'cifs'].includes(request.type)) return request;
  try {
    const { address } = await lookup(name);
    return { ...request, data: request.data.replace(`addr=${name}`, `addr=${address}`) };
  } catch (cause) {
    throw new EngineError('internal', `error resolving passed in network volume address: ${name}`, { cause });
  }
}
