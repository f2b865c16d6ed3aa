import { EngineError, notFound } from '@wharf/base/error';
import type { NetworkContext } from '../context.ts';
import type { NetworkSpec } from '../networking.ts';
import type { StoredNetwork } from '../records.ts';

/** Checks a config-only network's request, which may hold nothing but what others take from it. */
export function checkConfigOnly({ internal, attachable, ingress, configFrom }: NetworkSpec): void {
  if (internal || attachable || ingress) {
    throw forbidden(
      'configuration network can only contain network specific fields. Network operator fields like [ ingress | internal | attachable | scope ] are not supported.',
    );
  }
  if (configFrom) throw forbidden('a configuration network cannot depend on another configuration network');
}

/** The request with what its configuration network says: addresses, options and labels. */
export function applyConfiguration(context: NetworkContext, spec: NetworkSpec, configFrom: string): NetworkSpec {
  const { ipam, options, labels, enableIPv6 } = spec;
  const driverOptions = ipam.Options && Object.keys(ipam.Options).length > 0;
  if (ipam.Driver !== 'default' || driverOptions || ipam.Config.length > 0 || enableIPv6 || isFull(labels))
    throw both();
  if (isFull(options)) {
    throw forbidden('network driver options are not supported if the network depends on a configuration network');
  }
  const source = findConfiguration(context, configFrom);
  return {
    ...spec,
    configFrom: source.name,
    enableIPv4: source.enableIPv4,
    enableIPv6: source.enableIPv6,
    ipam: source.ipam,
    options: source.options,
    labels: source.labels,
  };
}

function findConfiguration(context: NetworkContext, name: string): StoredNetwork {
  for (const network of context.networks.values()) {
    if (network.configOnly && (network.name === name || network.id === name)) return network;
  }
  throw notFound(`configuration network "${name}" does not exist`);
}

/** Throws while other networks take their configuration from this one. */
export function checkNotDependedOn({ networks }: NetworkContext, { name, configOnly }: StoredNetwork): void {
  if (!configOnly) return;
  for (const other of networks.values()) {
    if (other.configFrom !== name) continue;
    throw forbidden(`error while removing network: configuration network "${name}" is in use`);
  }
}

function isFull(record: Readonly<Record<string, string>>): boolean {
  return Object.keys(record).length > 0;
}

function both(): EngineError {
  return forbidden('user specified configurations are not supported if the network depends on a configuration network');
}

function forbidden(message: string): EngineError {
  return new EngineError('permission_denied', message);
}
