import type { LogConfig } from '@wharf/api/container';
import { EngineError, invalidArgument, notImplemented } from '@wharf/base/error';
import { parseSize } from '@wharf/base/size';

/** Options by driver, besides those that every driver takes. */
const drivers: Readonly<Record<string, readonly string[]>> = {
  none: [],
  'json-file': ['max-file', 'max-size', 'compress', 'labels', 'labels-regex', 'env', 'env-regex', 'tag'],
  local: ['max-file', 'max-size', 'compress'],
};

/** Docker's other drivers: known names that are refused as such. */
const otherDrivers = ['syslog', 'journald', 'gelf', 'fluentd', 'awslogs', 'splunk', 'gcplogs', 'etwlogs'];

/** The daemon's default driver where none is named; its options only go with that driver. */
export function resolveLogConfig(wished: LogConfig, byDefault: LogConfig): LogConfig {
  const Type = wished.Type || byDefault.Type;
  const Config = Type === byDefault.Type ? { ...byDefault.Config, ...wished.Config } : { ...wished.Config };
  return { Type, Config };
}

export function validateLogConfig({ Type, Config }: LogConfig): void {
  const known = drivers[Type];
  if (!known) {
    if (otherDrivers.includes(Type)) throw notImplemented(`log driver "${Type}"`);
    throw invalidArgument(`error looking up logging plugin ${Type}: plugin "${Type}" not found`);
  }
  validateMode(Config);
  for (const name of Object.keys(Config)) {
    if (name === 'mode' || name === 'max-buffer-size' || known.includes(name)) continue;
    // Docker's own driver `none` has no validator, and takes anything.
    if (Type !== 'none') throw invalidArgument(`unknown log opt '${name}' for ${Type} log driver`);
  }
  if (Type !== 'none') validateRotation(Config);
  if (Type === 'json-file') validateCompression(Config);
}

function validateMode(options: LogConfig['Config']): void {
  const mode = options.mode ?? '';
  if (mode === 'non-blocking') throw notImplemented('log option mode=non-blocking');
  if (mode !== '' && mode !== 'blocking') throw invalidArgument(`logger: logging mode not supported: ${mode}`);
  if (options['max-buffer-size'] !== undefined) {
    throw invalidArgument("logger: max-buffer-size option is only supported with 'mode=non-blocking'");
  }
}

function validateRotation(options: LogConfig['Config']): void {
  const { 'max-size': maxSize, 'max-file': maxFile, compress } = options;
  const isSized = maxSize !== undefined && maxSize !== '-1';
  if (isSized) requireSize(maxSize);
  if (maxFile !== undefined) {
    if (!/^[+-]?\d+$/.test(maxFile)) throw invalidArgument(`strconv.Atoi: parsing "${maxFile}": invalid syntax`);
    if (Number(maxFile) < 1) throw invalidArgument('max-file cannot be less than 1');
  }
  if (compress !== undefined && !['true', 'false', '0', '1'].includes(compress)) {
    throw invalidArgument(`strconv.ParseBool: parsing "${compress}": invalid syntax`);
  }
  for (const name of ['labels-regex', 'env-regex']) requirePattern(options[name]);
}

/** The driver `local` rotates by default; json-file has to be told to. */
function validateCompression({ 'max-size': maxSize, 'max-file': maxFile, compress }: LogConfig['Config']): void {
  if (compress !== 'true' && compress !== '1') return;
  if (maxSize === undefined || maxSize === '-1' || Number(maxFile ?? 1) < 2) {
    throw invalidArgument('compress cannot be true when max-file is less than 2 or max-size is not set');
  }
}

function requireSize(text: string): void {
  try {
    if (parseSize(text) > 0) return;
  } catch (error) {
    throw invalidArgument(`invalid value for max-size: ${EngineError.from(error).message}`);
  }
  throw invalidArgument(`invalid value for max-size: must be a positive number: ${text}`);
}

function requirePattern(text: string | undefined): void {
  try {
    if (text) new RegExp(text);
  } catch (error) {
    throw invalidArgument(`error parsing regexp: ${EngineError.from(error).message}`);
  }
}
