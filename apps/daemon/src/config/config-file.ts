import { parseJson } from '@wharf/base/decode';
import { EngineError, invalidArgument } from '@wharf/base/error';
import { formatGoValue } from './go-value.ts';
import type { Option } from './option.ts';
import { options, type SettingName, type Settings } from './options.ts';

/** Reads daemon.json. An unknown key is refused by name: a misspelt one would silently do nothing. */
export function parseConfigFile(text: string): Partial<Settings> {
  // A byte order mark is what some editors leave.
  const content = text.replace(/^\ufeff/, '').trim();
  if (content === '') return {};
  const parsed = parseJson(content);
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw invalidArgument('invalid JSON: the configuration must be an object');
  }
  const given = flatten(parsed as Record<string, unknown>);
  const unknown = Object.keys(given).filter((key) => !Object.hasOwn(options, key));
  if (unknown.length > 0) {
    throw invalidArgument(`the following directives don't match any configuration option: ${unknown.join(', ')}`);
  }
  const settings: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(given)) {
    const option = options[key as SettingName] as unknown as Option<unknown>;
    settings[key] = option.fromFile(value, `Config.${key}`);
  }
  return settings as Partial<Settings>;
}

/** Keys that have two spellings in dockerd, brought to one. */
function flatten({
  proxies,
  'host-gateway-ip': hostGateway,
  ...keys
}: Record<string, unknown>): Record<string, unknown> {
  return {
    ...keys,
    ...(hostGateway !== undefined && { 'host-gateway-ips': [hostGateway] }),
    ...(typeof proxies === 'object' ? proxies : proxies !== undefined && { proxies }),
  };
}

/** A setting given in both places is fatal: neither can be meant to win. Runtimes add up. */
export function refuseConflicts(flags: Partial<Settings>, file: Partial<Settings>): void {
  const conflicts = Object.keys(flags)
    .filter((key) => Object.hasOwn(file, key) && key !== 'runtimes')
    .sort()
    .map((key) => {
      const show = (settings: Partial<Settings>) => formatSetting(key, settings[key as SettingName]);
      return `${key}: (from flag: ${show(flags)}, from file: ${show(file)})`;
    });
  if (conflicts.length > 0) {
    throw invalidArgument(
      `the following directives are specified both as a flag and in the configuration file: ${conflicts.join(', ')}`,
    );
  }
}

/** As dockerd prints it; a proxy's password is nobody's business. */
export function formatSetting(key: string, value: unknown): string {
  if (key === 'http-proxy' || key === 'https-proxy') return maskCredentials(String(value));
  return formatGoValue(value);
}

export function maskCredentials(url: string): string {
  return url.replace(/^([a-z][a-z\d+.-]*:\/\/)[^/?#]*@/i, '$1xxxxx:xxxxx@');
}

/** The message that dockerd gives when its file cannot be used. */
export function configFileError(path: string, error: unknown): EngineError {
  const { message } = EngineError.from(error);
  return invalidArgument(`unable to configure the Docker daemon with file ${path}: ${message}`, { cause: error });
}
