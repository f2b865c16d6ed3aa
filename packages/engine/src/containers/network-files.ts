import { chownSync, writeFileSync } from 'node:fs';
import { mappedRoot } from '@wharf/base/id-mapping';
import type { Sandbox } from '@wharf/network/networking';
import type { NetworkFiles } from '@wharf/runtime/spec/mounts';
import type { EngineConfig } from '../engine-config.ts';
import { hostnameFile, hostsFile, resolvConfFile } from './container-files.ts';
import type { ContainerRecord } from './container-record.ts';
import { idMappingOf } from './remapped.ts';

/** /etc/hosts, hostname and resolv.conf; a container in another's network uses that one's. */
export function writeNetworkFiles(
  config: EngineConfig,
  { id, config: { Hostname }, hostConfig }: Pick<ContainerRecord, 'id' | 'config' | 'hostConfig'>,
  sandbox: Sandbox,
): NetworkFiles {
  if (sandbox.namespace.kind === 'container') return pathsOf(config, sandbox.namespace.containerId);
  const files = pathsOf(config, id);
  writeFileSync(files.hosts, sandbox.hosts);
  writeFileSync(files.hostname, `${Hostname}\n`);
  writeFileSync(files.resolvConf, sandbox.resolvConf);
  const mapping = idMappingOf(config, hostConfig);
  if (mapping) {
    const { uid, gid } = mappedRoot(mapping);
    for (const path of Object.values(files)) chownSync(path, uid, gid);
  }
  return files;
}

/** After a connect or disconnect: the same files, new contents, seen by the running container. */
export function refreshNetworkFiles(config: EngineConfig, id: string, sandbox: Sandbox): void {
  const files = pathsOf(config, id);
  writeFileSync(files.hosts, sandbox.hosts);
  writeFileSync(files.resolvConf, sandbox.resolvConf);
}

function pathsOf(config: EngineConfig, id: string): NetworkFiles {
  return { hosts: hostsFile(config, id), hostname: hostnameFile(config, id), resolvConf: resolvConfFile(config, id) };
}
