import { parseDuration } from '@wharf/base/duration';
import { EngineError, invalidArgument } from '@wharf/base/error';
import { parseGoBoolean } from '@wharf/base/go-values';
import { parseSize } from '@wharf/base/size';
import { parseAddress, parsePort } from './address.ts';
import { type Endpoint, noTlsFiles } from './endpoint.ts';

export interface FluentdOptions {
  readonly endpoint: Extract<Endpoint, { kind: 'tcp' | 'tls' | 'unix' }>;
  /** The container never waits for the receiver. */
  readonly async: boolean;
  /** Bytes that may wait for the receiver when `async`. */
  readonly bufferLimit: number;
  readonly maxRetries: number;
  readonly retryMilliseconds: number;
  /** A connection is given up after so long, as load balancers want it; 0 is never. */
  readonly reconnectMilliseconds: number;
  readonly subSecondPrecision: boolean;
  readonly requestAck: boolean;
  /** 0 is for ever. */
  readonly writeTimeout: number;
  readonly readTimeout: number;
}

export const fluentdOptionNames = [
  'fluentd-address',
  'fluentd-async',
  'fluentd-async-connect',
  'fluentd-async-reconnect-interval',
  'fluentd-buffer-limit',
  'fluentd-max-retries',
  'fluentd-read-timeout',
  'fluentd-request-ack',
  'fluentd-retry-wait',
  'fluentd-sub-second-precision',
  'fluentd-write-timeout',
];

type Options = Readonly<Record<string, string>>;

const mostRetries = 2 ** 31 - 1;

/** Throws Docker's texts. */
export function parseFluentdOptions(options: Options): FluentdOptions {
  return {
    endpoint: parseEndpoint(options['fluentd-address'] ?? ''),
    // The older name was taken until Docker 28.
    async: flag(options, 'fluentd-async') || flag(options, 'fluentd-async-connect'),
    bufferLimit: parseSize(options['fluentd-buffer-limit'] || '1m'),
    maxRetries: parseRetries(options['fluentd-max-retries'] ?? ''),
    retryMilliseconds: Number(parseDuration(options['fluentd-retry-wait'] || '1s') / 1_000_000n),
    reconnectMilliseconds: parseReconnectInterval(options['fluentd-async-reconnect-interval'] ?? ''),
    subSecondPrecision: flag(options, 'fluentd-sub-second-precision'),
    requestAck: flag(options, 'fluentd-request-ack'),
    writeTimeout: parseTimeout(options, 'fluentd-write-timeout'),
    readTimeout: parseTimeout(options, 'fluentd-read-timeout'),
  };
}

function flag(options: Options, name: string): boolean {
  const text = options[name] ?? '';
  return text !== '' && parseGoBoolean(text);
}

function parseEndpoint(text: string): FluentdOptions['endpoint'] {
  try {
    return endpointOf(text);
  } catch (error) {
    throw invalidArgument(`invalid fluentd-address (${text}): ${EngineError.from(error).message}`);
  }
}

function endpointOf(text: string): FluentdOptions['endpoint'] {
  const {
    scheme,
    host,
    port = '24224',
    path,
  } = parseAddress(text === '' || text.includes('://') ? text : `tcp://${text}`);
  switch (scheme) {
    case 'unix':
      if (path.replace(/^\/+/, '') === '') throw invalidArgument('path is empty');
      return { kind: 'unix', path };
    case '':
    case 'tcp':
    case 'tls': {
      if (path !== '') throw invalidArgument('should not contain a path element');
      const at = { host: host || '127.0.0.1', port: parsePort(port || '24224') };
      return scheme === 'tls' ? { kind: 'tls', ...at, tls: noTlsFiles } : { kind: 'tcp', ...at };
    }
    default:
      throw invalidArgument(`unsupported scheme: '${scheme}'`);
  }
}

function parseRetries(text: string): number {
  if (text === '') return mostRetries;
  if (!/^\d+$/.test(text)) throw invalidArgument(`strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`);
  if (Number(text) >= 2 ** 32) {
    throw invalidArgument(`strconv.ParseUint: parsing ${JSON.stringify(text)}: value out of range`);
  }
  if (Number(text) > mostRetries) throw invalidArgument('invalid fluentd-max-retries: value out of range');
  return Number(text);
}

function parseReconnectInterval(text: string): number {
  const name = 'fluentd-async-reconnect-interval';
  if (text === '') return 0;
  const milliseconds = durationOf(text, `invalid value for ${name}`);
  if (milliseconds !== 0 && (milliseconds < 100 || milliseconds > 10_000)) {
    throw invalidArgument(`invalid value for ${name}: value (${JSON.stringify(text)}) must be between 100ms and 10s`);
  }
  return milliseconds;
}

function parseTimeout(options: Options, name: string): number {
  const text = options[name] ?? '';
  if (text === '') return 0;
  const milliseconds = durationOf(text, `invalid value for ${name}: value must be a duration`);
  if (milliseconds < 0)
    throw invalidArgument(`invalid value for ${name}: value must be a duration that is non-negative`);
  return milliseconds;
}

function durationOf(text: string, what: string): number {
  try {
    return Number(parseDuration(text) / 1_000_000n);
  } catch (error) {
    throw invalidArgument(`${what}: ${EngineError.from(error).message}`);
  }
}
