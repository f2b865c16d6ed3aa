import { parseJson } from '@wharf/base/decode';
import { EngineError, invalidArgument } from '@wharf/base/error';
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
  const unknown = Object.keys(parsed).filter((key) => !Object.hasOwn(options, key));
  if (unknown.length > 0) {
    throw invalidArgument(`the following directives don't match any configuration option: ${unknown.join(', ')}`);
  }
  const settings: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(parsed)) {
    const option = options[key as SettingName] as unknown as Option<unknown>;
    settings[key] = option.fromFile(value, `Config.${key}`);
  }
  return settings as Partial<Settings>;
}

/** A setting given in both places is fatal: neither can be meant to win. */
export function refuseConflicts(flags: Partial<Settings>, file: Partial<Settings>): void {
  const conflicts = Object.keys(file)
    .filter((key) => Object.hasOwn(flags, key))
    .map((key) => {
      const show = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));
      return `${key}: (from flag: ${show(flags[key as SettingName])}, from file: ${show(file[key as SettingName])})`;
    });
  if (conflicts.length > 0) {
    throw invalidArgument(
      `the following directives are specified both as a flag and in the configuration file: ${conflicts.join(', ')}`,
    );
  }
}

/** The message that dockerd gives when its file cannot be used. */
export function configFileError(path: string, error: unknown): EngineError {
  const { message } = EngineError.from(error);
  return invalidArgument(`unable to configure the Docker daemon with file ${path}: ${message}`, { cause: error });
}
