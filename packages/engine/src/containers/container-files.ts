import { chownSync, mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { EngineConfig } from '../engine-config.ts';
import { filesOwner } from './remapped.ts';

/** Where a container's own files are: durable ones under the data root, the bundle under the exec root. */
export function containerDirectory({ dataRoot }: EngineConfig, id: string): string {
  return join(dataRoot, 'containers', id);
}

export function bundleDirectory({ execRoot }: EngineConfig, id: string): string {
  return join(execRoot, 'bundles', id);
}

export function logFile(config: EngineConfig, id: string): string {
  return join(containerDirectory(config, id), `${id}-json.log`);
}

export function hostsFile(config: EngineConfig, id: string): string {
  return join(containerDirectory(config, id), 'hosts');
}

export function hostnameFile(config: EngineConfig, id: string): string {
  return join(containerDirectory(config, id), 'hostname');
}

export function resolvConfFile(config: EngineConfig, id: string): string {
  return join(containerDirectory(config, id), 'resolv.conf');
}

/** Makes a directory that the root of containers may pass through, and no other user of the host. */
export function makePassage(config: EngineConfig, directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o710 });
  const owner = filesOwner(config);
  if (owner) chownSync(directory, 0, owner.gid);
}

// Small files on the way to a start are made synchronously: the thread pool would take longer than the calls.
export function makeContainerDirectory(config: EngineConfig, id: string): void {
  const directory = containerDirectory(config, id);
  for (const path of [dirname(directory), directory]) makePassage(config, path);
}

/** Idempotent. */
export async function removeContainerFiles(config: EngineConfig, id: string): Promise<void> {
  await rm(bundleDirectory(config, id), { recursive: true, force: true });
  await rm(containerDirectory(config, id), { recursive: true, force: true });
}
