import type { HostConfig } from '@wharf/api/container';
import { type IdMapping, mappedRoot, type Owner } from '@wharf/base/id-mapping';
import type { EngineConfig } from '../engine-config.ts';

/** Whom a container's users are on the host, where they are not the host's own. */
export function idMappingOf(
  { idMapping }: Pick<EngineConfig, 'idMapping'>,
  { UsernsMode }: Pick<HostConfig, 'UsernsMode'>,
): IdMapping | undefined {
  return UsernsMode === 'host' ? undefined : idMapping;
}

/** For stdio: whose it is where the container's root is not the host's. */
export function ownerOf(config: Pick<EngineConfig, 'idMapping'>, hostConfig: HostConfig): { owner?: Owner } {
  const mapping = idMappingOf(config, hostConfig);
  return mapping ? { owner: mappedRoot(mapping) } : {};
}

/** Whose files that the daemon makes for containers are; undefined is the daemon's own user. */
export function filesOwner({ idMapping }: Pick<EngineConfig, 'idMapping'>): Owner | undefined {
  return idMapping && mappedRoot(idMapping);
}
