import { writeFile } from 'node:fs/promises';
import type { Sandbox } from '@wharf/network/networking';
import type { NetworkFiles } from '@wharf/runtime/spec/mounts';
import type { EngineConfig } from '../engine-config.ts';
import { hostnameFile, hostsFile, resolvConfFile } from './container-files.ts';
import type { ContainerRecord } from './container-record.ts';

/** /etc/hosts, hostname and resolv.conf; a container in another's network uses that one's. */
export async function writeNetworkFiles(
  config: EngineConfig,
  { id, config: { Hostname } }: ContainerRecord,
  sandbox: Sandbox,
): Promise<NetworkFiles> {
  if (sandbox.namespace.kind === 'container') return pathsOf(config, sandbox.namespace.containerId);
  const files = pathsOf(config, id);
  await Promise.all([
    writeFile(files.hosts, sandbox.hosts),
    writeFile(files.hostname, `${Hostname}\n`),
    writeFile(files.resolvConf, sandbox.resolvConf),
  ]);
  return files;
}

/** After a connect or disconnect: the same files, new contents, seen by the running container. */
export async function refreshNetworkFiles(config: EngineConfig, id: string, sandbox: Sandbox): Promise<void> {
  const files = pathsOf(config, id);
  await Promise.all([writeFile(files.hosts, sandbox.hosts), writeFile(files.resolvConf, sandbox.resolvConf)]);
}

function pathsOf(config: EngineConfig, id: string): NetworkFiles {
  return { hosts: hostsFile(config, id), hostname: hostnameFile(config, id), resolvConf: resolvConfFile(config, id) };
}
