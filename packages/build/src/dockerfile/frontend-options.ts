import { invalidArgument } from '@wharf/base/error';
import { hostPlatform, normalizePlatform, type Platform } from '@wharf/oci/platform';
import type { CacheOption } from '../solver/frontend.ts';
import { parsePlatform } from './parse-platform.ts';

export type Texts = ReadonlyMap<string, string>;

/** What a build was asked for, from the flat attributes that clients send. */
export interface FrontendOptions {
  readonly attributes: Texts;
  readonly filename: string;
  readonly target: string;
  readonly buildArgs: Texts;
  readonly labels: Texts;
  /** Empty: whatever fits the builder. */
  readonly targetPlatforms: readonly Platform[];
  readonly buildPlatform: Platform;
  readonly multiPlatform: boolean;
  readonly resolveMode: string;
  readonly network: 'default' | 'none' | 'host';
  readonly extraHosts: readonly { readonly Host: string; readonly IP: string }[];
  readonly ulimits: readonly { readonly Name: string; readonly Soft: bigint; readonly Hard: bigint }[];
  readonly shmSize: number;
  readonly cgroupParent: string;
  readonly hostname: string;
  readonly cacheNamespace: string;
  readonly cacheImports: readonly CacheOption[];
  /** Whether a stage is to be built anew. */
  isNoCache(stage: string): boolean;
  /** RFC 3339; undefined where no time was given. */
  readonly created: string | undefined;
}

export function parseFrontendOptions(options: Readonly<Record<string, string>>): FrontendOptions {
  const attributes = new Map(Object.entries(options));
  const get = (key: string) => attributes.get(key) ?? '';
  const targetPlatforms = get('platform') === '' ? [] : get('platform').split(',').map(parseTarget);
  return {
    attributes,
    filename: attributes.get('filename') ?? 'Dockerfile',
    target: get('target'),
    buildArgs: withPrefix(attributes, 'build-arg:'),
    labels: withPrefix(attributes, 'label:'),
    targetPlatforms,
    buildPlatform: normalizePlatform(hostPlatform()),
    multiPlatform: isMultiPlatform(attributes, targetPlatforms.length),
    resolveMode: parseResolveMode(get('image-resolve-mode')),
    network: parseNetwork(get('force-network-mode')),
    extraHosts: list(get('add-hosts')).map(parseHost),
    ulimits: list(get('ulimit')).map(parseUlimit),
    shmSize: Number(get('shm-size')) || 0,
    cgroupParent: get('cgroup-parent'),
    hostname: get('build-arg:BUILDKIT_SANDBOX_HOSTNAME') || get('hostname'),
    cacheNamespace: get('build-arg:BUILDKIT_CACHE_MOUNT_NS'),
    cacheImports: parseCacheImports(get('cache-imports'), get('cache-from')),
    isNoCache: noCache(attributes.get('no-cache')),
    created: parseEpoch(get('build-arg:SOURCE_DATE_EPOCH')),
  };
}

function withPrefix(attributes: Texts, prefix: string): Texts {
  const entries = [...attributes].filter(([key]) => key.startsWith(prefix));
  return new Map(entries.map(([key, value]) => [key.slice(prefix.length), value]));
}

function list(text: string): string[] {
  return text === '' ? [] : text.split(',');
}

function parseTarget(text: string): Platform {
  try {
    return parsePlatform(text.trim());
  } catch (thrown) {
    throw invalidArgument(`failed to parse target platform ${text}: ${(thrown as Error).message}`);
  }
}

function isMultiPlatform(attributes: Texts, targets: number): boolean {
  const asked = attributes.get('build-arg:BUILDKIT_MULTI_PLATFORM') || attributes.get('multi-platform');
  if (!asked) return targets > 1;
  const value = parseBoolean(asked);
  if (value === undefined) throw invalidArgument(`invalid boolean value for multi-platform: ${asked}`);
  if (!value && targets > 1) {
    throw invalidArgument('conflicting config: returning multiple target platforms is not allowed');
  }
  return value;
}

/** Go's strconv.ParseBool. */
export function parseBoolean(text: string): boolean | undefined {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true;
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text)) return false;
  return undefined;
}

function parseResolveMode(text: string): string {
  if (text === '' || text === 'default') return 'default';
  if (text === 'pull' || text === 'local') return text;
  throw invalidArgument(`invalid image-resolve-mode: ${text}`);
}

function parseNetwork(text: string): FrontendOptions['network'] {
  if (text === '' || text === 'sandbox' || text === 'default') return 'default';
  if (text === 'none' || text === 'host') return text;
  throw invalidArgument(`invalid netmode ${text}`);
}

function parseHost(field: string): { Host: string; IP: string } {
  const equals = field.indexOf('=');
  if (equals < 0) throw invalidArgument(`failed to parse additional hosts: invalid key-value pair ${field}`);
  return { Host: field.slice(0, equals).toLowerCase(), IP: field.slice(equals + 1) };
}

function parseUlimit(field: string): { Name: string; Soft: bigint; Hard: bigint } {
  const match = /^([a-z]+)=(-?\d+)(?::(-?\d+))?$/.exec(field);
  if (!match) throw invalidArgument(`failed to parse ulimit: invalid ulimit argument: ${field}`);
  const [, name = '', soft = '', hard = soft] = match;
  return { Name: name, Soft: BigInt(soft), Hard: BigInt(hard) };
}

function parseCacheImports(json: string, references: string): CacheOption[] {
  const named = list(references).map((ref) => ({ type: 'registry', attributes: { ref } }));
  if (json === '') return named;
  try {
    const entries = JSON.parse(json) as { Type: string; Attrs?: Record<string, string> }[];
    return [...entries.map(({ Type, Attrs }) => ({ type: Type, attributes: Attrs ?? {} })), ...named];
  } catch {
    throw invalidArgument(`failed to unmarshal cache-imports (${JSON.stringify(json)})`);
  }
}

function noCache(text: string | undefined): (stage: string) => boolean {
  if (text === undefined) return () => false;
  if (text === '') return () => true;
  const stages = text.split(',').map((stage) => stage.toLowerCase());
  return (stage) => stages.includes(stage.toLowerCase());
}

function parseEpoch(text: string): string | undefined {
  if (text === '') return undefined;
  if (!/^-?\d+$/.test(text)) throw invalidArgument(`invalid SOURCE_DATE_EPOCH: ${text}`);
  return new Date(Number(text) * 1000).toISOString().replace('.000Z', 'Z');
}
