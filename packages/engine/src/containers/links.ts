import { portKey } from '@wharf/api/port-key';
import { conflict, EngineError, invalidArgument, notFound } from '@wharf/base/error';
import type { Networking, SandboxRequest } from '@wharf/network/networking';
import { linkVariables } from '@wharf/runtime/spec/link-variables';
import type { ContainerRecord } from './container-record.ts';
import { isUp } from './container-state.ts';
import type { ContainerStore } from './container-store.ts';

/**
 * Legacy links of the default bridge. A record keeps them as `<id>:<alias>`, so that they outlive a rename, and are
 * gone with the container that they name.
 */

export type LinkDeps = { readonly containers: Pick<ContainerStore, 'get' | 'find' | 'values' | 'byName' | 'update'> };

interface Link {
  readonly target: ContainerRecord;
  readonly alias: string;
}

/** `container:alias`, or a container that is its own alias, as records keep them. */
export function resolveLinks({ containers }: LinkDeps, links: readonly string[] | null): string[] | null {
  if (!links) return null;
  return links.map((text) => {
    const [name = '', alias = name, ...rest] = text.split(':');
    if (name === '' || rest.length > 0) throw invalidArgument(`bad format for links: ${text}`);
    return `${findTarget(containers, name).id}:${alias.slice(alias.lastIndexOf('/') + 1)}`;
  });
}

function findTarget(containers: LinkDeps['containers'], name: string): ContainerRecord {
  try {
    return containers.find(name);
  } catch (error) {
    throw invalidArgument(`could not get container for ${name}: ${EngineError.from(error).message}`);
  }
}

function linksOf({ containers }: LinkDeps, { hostConfig: { Links } }: Pick<ContainerRecord, 'hostConfig'>): Link[] {
  return (Links ?? []).flatMap((text) => {
    const [id = '', alias = ''] = text.split(':');
    const target = containers.get(id);
    return target?.phase === 'ready' ? [{ target, alias }] : [];
  });
}

/** As inspect has them: `/target:/container/alias`. */
export function shownLinks(deps: LinkDeps, record: ContainerRecord): string[] | null {
  const links = linksOf(deps, record).map(({ target, alias }) => `/${target.name}:/${record.name}/${alias}`);
  return links.length > 0 ? links : null;
}

/** The further names that containers have through links to them: `/container/alias`, by id. */
export function linkNames(deps: LinkDeps): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, string[]>();
  for (const record of deps.containers.values()) {
    if (!record.hostConfig.Links) continue;
    for (const { target, alias } of linksOf(deps, record)) {
      names.set(target.id, [...(names.get(target.id) ?? []), `/${record.name}/${alias}`]);
    }
  }
  return names;
}

/** For the network: names in /etc/hosts. */
export function linksForSandbox(deps: LinkDeps, record: Pick<ContainerRecord, 'hostConfig'>): SandboxRequest['links'] {
  return linksOf(deps, record).map(({ target: { id, name }, alias }) => ({ containerId: id, name, alias }));
}

/** A container does not start before those that it links to. */
export function requireLinked(deps: LinkDeps, record: ContainerRecord): void {
  for (const { target, alias } of linksOf(deps, record)) {
    if (isUp(target.state.status)) continue;
    throw conflict(`Cannot link to a non running container: /${target.name} AS /${record.name}/${alias}`);
  }
}

/** `ALIAS_PORT_...` of every link whose container runs. */
export function linkedEnvironment(
  deps: LinkDeps & { readonly networking: Networking },
  record: ContainerRecord,
): string[] {
  return linksOf(deps, record).flatMap(({ target, alias }) => {
    const endpoints = Object.values(deps.networking.sandbox(target.id)?.endpoints ?? {});
    const address = endpoints.find(({ IPAddress }) => IPAddress !== '')?.IPAddress;
    if (address === undefined) return [];
    return linkVariables({
      alias,
      name: `/${record.name}/${alias}`,
      address,
      ports: Object.keys(target.config.ExposedPorts).map(portKey),
      environment: target.config.Env ?? [],
    });
  });
}

/** `rm --link container/alias`. */
export function removeLink({ containers }: LinkDeps, text: string): ContainerRecord {
  const [owner = '', alias, ...rest] = text.replace(/^\//, '').split('/');
  if (alias === undefined) throw conflict('Conflict, cannot remove the default link name of the container');
  const record = containers.byName(owner);
  const links = record?.hostConfig.Links ?? [];
  const kept = links.filter((link) => link.slice(link.indexOf(':') + 1) !== alias);
  if (!record || rest.length > 0 || kept.length === links.length) throw notFound(`No such container: ${text}`);
  return containers.update(record.id, { hostConfig: { ...record.hostConfig, Links: kept.length > 0 ? kept : null } });
}
