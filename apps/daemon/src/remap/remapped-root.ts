import { chmodSync, chownSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { EngineError, invalidArgument } from '@wharf/base/error';
import { type IdMapping, mappedRoot, type Owner } from '@wharf/base/id-mapping';
import type { Logger } from '@wharf/base/logger';
import { mountIdmapped } from '@wharf/sys/idmapped-mount';
import { unmountAll } from '@wharf/sys/mount';
import { createUserNamespace } from '@wharf/sys/user-namespace';
import { AccountFiles } from './account-files.ts';
import { readIdMapping } from './id-mapping.ts';
import { makeRemapUser } from './make-remap-user.ts';

/** What remapped containers need; made at the daemon's start. */
export interface RemappedRoot {
  readonly idMapping: IdMapping;
  readonly root: Owner;
  /** Descriptor: what is root's on disk is that of root inside, where a directory is mounted by it. */
  readonly userNamespace: number;
}

/** By `userns-remap`; undefined where containers' root is the host's. Throws where this host cannot do it. */
export function openRemappedRoot(setting: string, logger: Pick<Logger, 'info' | 'warn'>): RemappedRoot | undefined {
  if (setting === '') return undefined;
  const accounts = new AccountFiles();
  if (setting === 'default') makeRemapUser(accounts);
  const idMapping = readIdMapping(setting, accounts);
  if (!idMapping) {
    logger.warn('User namespaces: root cannot be remapped with itself; user namespaces are OFF');
    return undefined;
  }
  logger.info(`User namespaces: ID ranges will be mapped to subuid/subgid ranges of: ${setting}`);
  try {
    const { fd } = createUserNamespace(idMapping, { network: false });
    return { idMapping, root: mappedRoot(idMapping), userNamespace: fd };
  } catch (cause) {
    throw new EngineError('internal', `userns-remap needs user namespaces: ${(cause as Error).message}`, { cause });
  }
}

/**
 * A data root of the mapping's own, as `<data-root>/<uid>.<gid>`: what belongs to one mapping's users means nothing to
 * another's.
 */
export function makeRemappedDataRoot(dataRoot: string, { root, userNamespace }: RemappedRoot): string {
  chmodSync(dataRoot, statSync(dataRoot).mode | 0o001);
  const directory = join(dataRoot, `${root.uid}.${root.gid}`);
  mkdirSync(directory, { recursive: true, mode: 0o710 });
  chownSync(directory, 0, root.gid);
  for (let path = dataRoot; path !== dirname(path); path = dirname(path)) requirePassage(path, root);
  requireIdmappedMounts(directory, userNamespace);
  return directory;
}

/** The runtime comes to a container's files as its root, by way of all that is above them. */
function requirePassage(path: string, { uid, gid }: Owner): void {
  const status = statSync(path);
  const bit = status.uid === uid ? 0o100 : status.gid === gid ? 0o010 : 0o001;
  if (status.mode & bit) return;
  throw invalidArgument(
    `a subdirectory in your graphroot path (${path}) restricts access to the remapped root uid/gid; please fix by allowing 'o+x' permissions on existing directories`,
  );
}

/** Layers are kept once, with the owners that images gave them, and shown with others by the kernel. */
function requireIdmappedMounts(directory: string, userNamespace: number): void {
  const probe = join(directory, 'mapped');
  mkdirSync(probe, { recursive: true, mode: 0o700 });
  // Of a daemon that was killed right here.
  unmountAll(probe);
  try {
    mountIdmapped(directory, probe, userNamespace);
  } catch (cause) {
    throw new EngineError(
      'internal',
      `userns-remap needs mounts with mapped owners, which the file system of ${directory} or this kernel lacks (Linux 5.19 or newer; ext4, XFS, btrfs or tmpfs): ${(cause as Error).message}`,
      { cause },
    );
  }
  unmountAll(probe);
}
