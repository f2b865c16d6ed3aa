import { existsSync } from 'node:fs';
import { EngineError } from '@wharf/base/error';
import { parseGoBoolean } from '@wharf/base/go-values';
import { parseSize } from '@wharf/base/size';
import { journalSocket } from '@wharf/runtime/logs/drivers/endpoint';
import { parseFluentdOptions } from '@wharf/runtime/logs/drivers/fluentd-options';
import { type ForwardDriver, type Forwarding, isForwardDriver } from '@wharf/runtime/logs/drivers/forwarding';
import type { LogTarget } from '@wharf/runtime/supervisor/supervisor';
import type { ContainerRecord } from './container-record.ts';
import { LogTagError, logAttributes, logTag } from './log-info.ts';

type Options = Readonly<Record<string, string>>;

/** Where a container's output goes. Options were checked when it was created; throws what its tag makes impossible. */
export function logTarget(record: ContainerRecord): LogTarget {
  try {
    return targetOf(record);
  } catch (error) {
    if (error instanceof LogTagError) throw failed(error.message);
    throw error;
  }
}

function targetOf(record: ContainerRecord): LogTarget {
  const { hostConfig, logPath } = record;
  const { Type, Config } = hostConfig.LogConfig;
  if (Type === 'none') return { driver: 'none' };
  if (isForwardDriver(Type)) {
    if (Type === 'journald' && !existsSync(journalSocket)) throw failed('journald is not enabled on this host');
    return { driver: 'forward', path: logPath, ...cacheRotation(Config), forwarding: forwarding(record, Type) };
  }
  const attributes = { ...logAttributes(record), ...(Config.tag && { tag: logTag(record, logPath) }) };
  return {
    driver: Type === 'local' ? 'local' : 'json-file',
    path: logPath,
    ...(Type === 'local' ? localRotation(Config) : jsonFileRotation(Config)),
    ...(Object.keys(attributes).length > 0 && { attributes }),
  };
}

/** True where the log goes to a receiver besides its files. */
export function isForwarded({ hostConfig }: ContainerRecord): boolean {
  return isForwardDriver(hostConfig.LogConfig.Type);
}

/** Reading back is refused where there is no copy of what a receiver got. */
export function isReadable({ hostConfig }: ContainerRecord): boolean {
  const { Type, Config } = hostConfig.LogConfig;
  return Type !== 'none' && !(isForwardDriver(Type) && isCacheDisabled(Config));
}

function failed(why: string): Error {
  return new EngineError(
    'internal',
    `failed to create task for container: failed to initialize logging driver: ${why}`,
  );
}

interface Rotation {
  readonly maxSize?: number;
  readonly maxFiles: number;
  readonly compress: boolean;
}

/** Docker's defaults of `local`. Its json-file has no bound of its own, and fills disks. */
const bounded = { maxSize: 20_000_000, maxFiles: 5, compress: true } as const;

function localRotation({ 'max-size': size, 'max-file': files, compress }: Options): Rotation {
  const maxFiles = files === undefined ? bounded.maxFiles : Number(files);
  return {
    ...(size !== '-1' && { maxSize: size === undefined ? bounded.maxSize : parseSize(size) }),
    maxFiles,
    compress: compress === undefined ? bounded.compress : parseGoBoolean(compress),
  };
}

/** A size that is named stands for itself, as in Docker: one file, uncompressed, unless more is asked for. */
function jsonFileRotation(options: Options): Rotation {
  if (options['max-size'] === undefined) return localRotation(options);
  return localRotation({ 'max-file': '1', compress: 'false', ...options });
}

/** What is delivered needs no place of its own where nobody reads it back: enough for a receiver that is away. */
const spool = { maxSize: 4_000_000, maxFiles: 5, compress: false } as const;

function cacheRotation(options: Options): Rotation {
  if (isCacheDisabled(options)) return spool;
  const wished = {
    'max-size': options['cache-max-size'],
    'max-file': options['cache-max-file'],
    compress: options['cache-compress'],
  };
  const given = Object.entries(wished).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return localRotation(Object.fromEntries(given));
}

function isCacheDisabled(options: Options): boolean {
  return options['cache-disabled'] !== undefined && parseGoBoolean(options['cache-disabled']);
}

function forwarding(record: ContainerRecord, driver: ForwardDriver): Forwarding {
  const { id, name, image, path, args, created, hostConfig, logPath } = record;
  const { Config: options } = hostConfig.LogConfig;
  const bufferSize = bufferSizeOf(driver, options);
  return {
    driver,
    options,
    container: {
      id,
      name,
      imageId: image.id,
      imageName: image.name,
      command: [path, ...args].join(' '),
      created,
    },
    tag: logTag(record, logPath),
    attributes: logAttributes(record),
    ...(bufferSize !== undefined && { bufferSize }),
    waits: bufferSize === undefined && holdsBack(driver, options),
  };
}

const defaultBufferSize = 1024 * 1024;

function bufferSizeOf(driver: ForwardDriver, options: Options): number | undefined {
  if (options.mode === 'non-blocking') return parseSize(options['max-buffer-size'] ?? String(defaultBufferSize));
  if (driver !== 'fluentd') return undefined;
  const { async, bufferLimit } = parseFluentdOptions(options);
  return async ? bufferLimit : undefined;
}

/** In Docker a container waits for these two; with the others what cannot be sent is lost at once. */
function holdsBack(driver: ForwardDriver, options: Options): boolean {
  return driver === 'fluentd' || driver === 'journald' || options.mode === 'blocking';
}
