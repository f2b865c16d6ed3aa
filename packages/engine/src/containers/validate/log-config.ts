import type { LogConfig } from '@wharf/api/container';
import { EngineError, invalidArgument, notImplemented } from '@wharf/base/error';
import { parseGoBoolean, parseGoInteger } from '@wharf/base/go-values';
import { parseSize } from '@wharf/base/size';
import { forwardDrivers, isForwardDriver } from '@wharf/runtime/logs/drivers/forwarding';

type Options = LogConfig['Config'];

const metadata = ['labels', 'labels-regex', 'env', 'env-regex', 'tag'];
const rotation = ['max-file', 'max-size', 'compress'];

/** Options that every driver takes. */
const common = ['mode', 'max-buffer-size', 'cache-disabled', 'cache-max-size', 'cache-max-file', 'cache-compress'];

/** Docker's other drivers: known names that are refused as such. */
const otherDrivers = ['awslogs', 'splunk', 'gcplogs', 'etwlogs'];

/** The daemon's default driver where none is named; its options only go with that driver. */
export function resolveLogConfig(wished: LogConfig, byDefault: LogConfig): LogConfig {
  const Type = wished.Type || byDefault.Type;
  const Config = Type === byDefault.Type ? { ...byDefault.Config, ...wished.Config } : { ...wished.Config };
  return { Type, Config };
}

/** With Docker's words, which differ from driver to driver. */
export function validateLogConfig({ Type, Config }: LogConfig): void {
  // Docker's own driver `none` has no validator, and takes anything.
  if (Type === 'none') return;
  if (otherDrivers.includes(Type)) throw notImplemented(`log driver "${Type}"`);
  if (Type !== 'json-file' && Type !== 'local' && !isForwardDriver(Type)) {
    throw invalidArgument(`error looking up logging plugin ${Type}: plugin "${Type}" not found`);
  }
  validateMode(Config);
  validateCache(Config);
  if (isForwardDriver(Type)) {
    const { names, check } = forwardDrivers[Type];
    // A missing address is what is wrong first.
    if (Type === 'gelf' && !Config['gelf-address']) check(Config);
    requireKnown(Type, Config, [...names, ...metadata]);
    check(Config);
  } else {
    requireKnown(Type, Config, Type === 'local' ? rotation : [...rotation, ...metadata]);
    validateRotation(Config);
    if (Type === 'json-file') validateCompression(Config);
  }
  for (const name of ['labels-regex', 'env-regex']) requirePattern(Config[name]);
}

function requireKnown(driver: string, options: Options, known: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (common.includes(name) || known.includes(name)) continue;
    if (driver === 'gelf') throw invalidArgument(`unknown log opt ${JSON.stringify(name)} for gelf log driver`);
    if (driver === 'local') throw invalidArgument(`unknown log opt '${name}' for log driver local`);
    throw invalidArgument(`unknown log opt '${name}' for ${driver} log driver`);
  }
}

function validateMode({ mode = '', 'max-buffer-size': size }: Options): void {
  if (!['', 'blocking', 'non-blocking'].includes(mode)) {
    throw invalidArgument(`logger: logging mode not supported: ${mode}`);
  }
  if (size === undefined) return;
  if (mode !== 'non-blocking') {
    throw invalidArgument("logger: max-buffer-size option is only supported with 'mode=non-blocking'");
  }
  prefixed('error parsing option max-buffer-size', () => parseSize(size));
}

function validateCache(options: Options): void {
  const { 'cache-disabled': disabled, 'cache-max-size': size, 'cache-max-file': files } = options;
  if (disabled !== undefined) {
    try {
      parseGoBoolean(disabled);
    } catch {
      throw invalidArgument(`invalid value for option cache-disabled: ${disabled}`);
    }
  }
  if (size !== undefined) requireSize('cache-max-size', size);
  if (files !== undefined) requireCount('cache-max-file', files);
  if (options['cache-compress'] !== undefined) parseGoBoolean(options['cache-compress']);
}

function validateRotation({ 'max-size': maxSize, 'max-file': maxFile, compress }: Options): void {
  if (maxSize !== undefined && maxSize !== '-1') requireSize('max-size', maxSize);
  if (maxFile !== undefined) requireCount('max-file', maxFile);
  if (compress !== undefined) parseGoBoolean(compress);
}

/** The driver `local` rotates by default; json-file has to be told to. */
function validateCompression({ 'max-size': maxSize, 'max-file': maxFile, compress }: Options): void {
  if (compress === undefined || !parseGoBoolean(compress)) return;
  if (maxSize === undefined || maxSize === '-1' || Number(maxFile ?? 1) < 2) {
    throw invalidArgument('compress cannot be true when max-file is less than 2 or max-size is not set');
  }
}

function requireSize(name: string, text: string): void {
  const size = prefixed(`invalid value for ${name}`, () => parseSize(text));
  if (size <= 0) throw invalidArgument(`invalid value for ${name}: must be a positive number: ${text}`);
}

function requireCount(name: string, text: string): void {
  if (parseGoInteger(text) < 1) throw invalidArgument(`${name} cannot be less than 1`);
}

function requirePattern(text: string | undefined): void {
  if (text) prefixed('error parsing regexp', () => new RegExp(text));
}

function prefixed<T>(what: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw invalidArgument(`${what}: ${EngineError.from(error).message}`);
  }
}
