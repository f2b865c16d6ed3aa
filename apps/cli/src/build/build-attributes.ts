import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Environment } from '../config.ts';
import { ExitError } from '../exit-error.ts';
import { cut } from '../flags/parse.ts';
import type { BuildSettings } from './build-settings.ts';
import { parseFields } from './fields.ts';
import { isRemoteContext } from './local-inputs.ts';

/** A build's settings as options of the Dockerfile frontend. */
export function attributesOf(
  settings: BuildSettings,
  environment: Environment,
  proxies: Readonly<Record<string, string>>,
): Record<string, string> {
  const { target, platforms, network, addHosts, ulimits, shmSize, cgroupParent, noCacheFilter } = settings;
  const plain = {
    target,
    platform: platforms
      .flatMap((text) => text.split(','))
      .join(',')
      .toLowerCase(),
    'force-network-mode': network === 'default' ? '' : network,
    'add-hosts': addHosts.map((host) => host.replace(/[:=]/, '=')).join(','),
    ulimit: ulimits.map(({ Name, Soft, Hard }) => `${Name}=${Soft}:${Hard}`).join(','),
    'shm-size': shmSize > 0 ? String(shmSize) : '',
    'cgroup-parent': cgroupParent,
    'image-resolve-mode': settings.pull ? 'pull' : '',
  };
  const epoch = environment.lookup('SOURCE_DATE_EPOCH');
  const args: Record<string, string> = { ...bothSpellings(proxies), ...(epoch && { SOURCE_DATE_EPOCH: epoch }) };
  for (const [name, value] of Object.entries(settings.buildArgs)) {
    const found = value ?? environment.lookup(name);
    if (found !== undefined) args[name] = found;
  }
  return {
    ...Object.fromEntries(Object.entries(plain).filter(([, value]) => value !== '')),
    ...(settings.noCache ? { 'no-cache': '' } : noCacheFilter.length > 0 && { 'no-cache': noCacheFilter.join(',') }),
    ...withPrefix('build-arg:', args),
    ...withPrefix('label:', settings.labels),
    ...attestations(settings.attests),
  };
}

function withPrefix(prefix: string, texts: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).map(([name, value]) => [prefix + name, value]));
}

function bothSpellings(proxies: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(proxies).flatMap(([name, value]) => [
      [name, value],
      [name.toLowerCase(), value],
    ]),
  );
}

/** `type=provenance,mode=max`; the last of a type counts, and `disabled=true` takes it away. */
function attestations(texts: readonly string[]): Record<string, string> {
  const found = new Map<string, string>();
  for (const text of texts) {
    const fields = parseFields(text);
    const type = fields.get('type');
    if (type === undefined) throw new ExitError(1, 'ERROR: attestation type not specified');
    const isDisabled = /^(1|t|true)$/i.test(fields.get('disabled') ?? '');
    fields.delete('type');
    fields.delete('disabled');
    if (isDisabled) found.delete(type);
    else found.set(type, [...fields].map(([name, value]) => `${name}=${value}`).join(','));
  }
  return withPrefix('attest:', Object.fromEntries(found));
}

/** Named contexts: directories of this machine go into `directories`, everything else is told by its address. */
export function namedContexts(texts: readonly string[], directories: Map<string, string>): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const text of texts) {
    const [name, where] = cut(text, '=');
    if (where === undefined || name === '') {
      throw new ExitError(1, `ERROR: invalid context value: ${text}, expected key=value`);
    }
    attributes[`context:${name}`] = isAddress(where) ? where : `local:${localContext(name, where, directories)}`;
  }
  return attributes;
}

function isAddress(where: string): boolean {
  if (where.startsWith('oci-layout://')) {
    throw new ExitError(
      1,
      `ERROR: oci-layout:// as a named context is not supported: load the image and use docker-image://`,
    );
  }
  return isRemoteContext(where) || /^(?:docker-image|target|input):/.test(where);
}

function localContext(name: string, where: string, directories: Map<string, string>): string {
  const path = resolve(where);
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    throw new ExitError(1, `ERROR: failed to get build context path {${where} <nil>}: not a directory`);
  }
  directories.set(name, path);
  return name;
}
