import { readFileSync } from 'node:fs';
import { boolean, decode, integer, list, parseJson, struct, text } from '@wharf/base/decode';
import { parseDuration } from '@wharf/base/duration';
import { EngineError, invalidArgument } from '@wharf/base/error';
import { parseSize } from '@wharf/base/size';
import type { Action } from './access/access-control.ts';
import type { Rule } from './access/rules.ts';
import type { RetentionRule } from './garbage/plan-retention.ts';
import type { S3Settings, ServiceConfig, UpstreamConfig } from './registry-service.ts';

/** The keys of registry.json, each of which may be left out. docs/registry.md explains them. */
interface FileConfig {
  readonly listen: readonly string[];
  readonly root: string;
  readonly s3: S3File;
  readonly tls: { readonly certificate: string; readonly key: string; readonly clientCa: string };
  readonly users: string;
  readonly tokens: string;
  readonly anonymousPull: boolean;
  readonly externalUrl: string;
  readonly rules: readonly RuleFile[];
  readonly upstreams: readonly UpstreamFile[];
  readonly immutableTags: readonly { readonly repositories: string; readonly tags: string }[];
  readonly retention: readonly RetentionFile[];
  readonly collectEvery: string;
  readonly grace: string;
  readonly uploadLifetime: string;
  readonly maximumBlobSize: string;
  readonly maximumManifestSize: string;
  readonly readOnly: boolean;
  readonly noDelete: boolean;
  readonly allowMissingManifests: boolean;
  readonly accessLog: string;
  readonly metrics: string;
}

interface S3File extends Omit<S3Settings, 'credentials'> {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

interface RuleFile {
  readonly repositories: string;
  readonly users: readonly string[];
  readonly groups: readonly string[];
  readonly anonymous: boolean;
  readonly actions: readonly string[];
}

interface UpstreamFile {
  readonly prefix: string | null;
  readonly registry: string;
  readonly lifetime: string;
  readonly username: string;
  readonly passwordFile: string;
  readonly insecure: boolean;
}

interface RetentionFile {
  readonly repositories: string;
  readonly keepLast: number | null;
  readonly keepTags: readonly string[] | null;
  readonly keepYounger: string;
  readonly removeUntagged: string;
}

const texts = (value: unknown, path: string) => list(text)(value, path) ?? [];
const optionalText = (value: unknown, path: string) =>
  value === undefined || value === null ? null : text(value, path);
const optionalInteger = (value: unknown, path: string) =>
  value === undefined || value === null ? null : integer(value, path);

function many<T>(inner: (value: unknown, path: string) => T) {
  return (value: unknown, path: string): readonly T[] => list(inner)(value, path) ?? [];
}

const fileConfig = struct<FileConfig>('registry.json', {
  listen: texts,
  root: text,
  s3: struct<S3File>('s3', {
    bucket: text,
    region: text,
    endpoint: text,
    prefix: text,
    forcePathStyle: boolean,
    redirect: boolean,
    accessKeyId: text,
    secretAccessKey: text,
  }),
  tls: struct('tls', { certificate: text, key: text, clientCa: text }),
  users: text,
  tokens: text,
  anonymousPull: boolean,
  externalUrl: text,
  rules: many(
    struct<RuleFile>('rules', { repositories: text, users: texts, groups: texts, anonymous: boolean, actions: texts }),
  ),
  upstreams: many(
    struct<UpstreamFile>('upstreams', {
      prefix: optionalText,
      registry: text,
      lifetime: text,
      username: text,
      passwordFile: text,
      insecure: boolean,
    }),
  ),
  immutableTags: many(struct('immutableTags', { repositories: text, tags: text })),
  retention: many(
    struct<RetentionFile>('retention', {
      repositories: text,
      keepLast: optionalInteger,
      keepTags: (value, path) => list(text)(value, path),
      keepYounger: text,
      removeUntagged: text,
    }),
  ),
  collectEvery: text,
  grace: text,
  uploadLifetime: text,
  maximumBlobSize: text,
  maximumManifestSize: text,
  readOnly: boolean,
  noDelete: boolean,
  allowMissingManifests: boolean,
  accessLog: text,
  metrics: text,
});

/** What the command line may say instead of the file. */
export interface Overrides {
  readonly config?: string | undefined;
  readonly listen?: readonly string[] | undefined;
  readonly root?: string | undefined;
  /** Where neither the file nor the command line says so. */
  readonly defaultRoot?: string;
  readonly users?: string | undefined;
  readonly tokens?: string | undefined;
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
  readonly upstreams?: readonly string[] | undefined;
  readonly anonymousPull?: boolean | undefined;
  readonly readOnly?: boolean | undefined;
  readonly noDelete?: boolean | undefined;
  readonly accessLog?: string | undefined;
}

export const defaultRoot = '/var/lib/wharf-registry';
export const defaultListen = '127.0.0.1:5000';

/** Reads the file, where one is named, and lets the command line win. */
export function loadConfig(overrides: Overrides): ServiceConfig {
  const file = readFile(overrides.config);
  const { tls } = file;
  const certificate = overrides.tlsCert ?? tls.certificate;
  const key = overrides.tlsKey ?? tls.key;
  if ((certificate === '') !== (key === '')) throw invalidArgument('TLS needs both a certificate and its key');
  const users = overrides.users ?? file.users;
  const listen = overrides.listen ?? file.listen;
  return {
    listen: listen.length > 0 ? listen : [defaultListen],
    root: overrides.root ?? (file.root || (overrides.defaultRoot ?? defaultRoot)),
    s3: file.s3.bucket === '' ? undefined : s3Settings(file.s3),
    tls: certificate === '' ? undefined : { certificate, key, clientCa: tls.clientCa || undefined },
    users: users || undefined,
    tokens: overrides.tokens ?? (file.tokens || `${users}.tokens`),
    anonymousPull: overrides.anonymousPull ?? file.anonymousPull,
    externalUrl: file.externalUrl || undefined,
    rules: file.rules.map(rule),
    upstreams: [...file.upstreams.map(upstream), ...(overrides.upstreams ?? []).map(upstreamFlag)],
    proxies: readProxies(),
    immutableTags: file.immutableTags.map(({ repositories, tags }) => ({ repositories, tags: pattern(tags) })),
    retention: file.retention.map(retentionRule),
    collectEvery: milliseconds('collectEvery', file.collectEvery, '1h'),
    uploadLifetime: milliseconds('uploadLifetime', file.uploadLifetime, '24h'),
    accessLog: overrides.accessLog ?? (file.accessLog || undefined),
    metrics: metricsAudience(file.metrics || 'loopback'),
    policy: {
      grace: milliseconds('grace', file.grace, '1h'),
      maximumManifestSize: parseSize(file.maximumManifestSize || '4m'),
      maximumBlobSize: file.maximumBlobSize === '' ? undefined : parseSize(file.maximumBlobSize),
      readOnly: overrides.readOnly ?? file.readOnly,
      allowDelete: !(overrides.noDelete ?? file.noDelete),
      allowMissingManifests: file.allowMissingManifests,
    },
  };
}

function readProxies(): ServiceConfig['proxies'] {
  const { HTTP_PROXY = '', HTTPS_PROXY = '', NO_PROXY = '' } = process.env;
  return { http: HTTP_PROXY, https: HTTPS_PROXY, no: NO_PROXY };
}

function readFile(path: string | undefined): FileConfig {
  if (path === undefined) return decode(fileConfig, undefined);
  try {
    return decode(fileConfig, parseJson(readFileSync(path, 'utf8')));
  } catch (error) {
    throw invalidArgument(`cannot read ${path}: ${EngineError.from(error).message}`, { cause: error });
  }
}

function s3Settings({ accessKeyId, secretAccessKey, ...settings }: S3File): S3Settings {
  // Without keys the SDK looks where AWS's tools do: environment, profile, the machine's role.
  return { ...settings, credentials: accessKeyId === '' ? undefined : { accessKeyId, secretAccessKey } };
}

const actions: readonly string[] = ['pull', 'push', 'delete'] satisfies Action[];

function rule({ actions: given, ...rest }: RuleFile): Rule {
  const unknown = given.find((action) => !actions.includes(action));
  if (unknown !== undefined) throw invalidArgument(`unknown action ${unknown}: there are ${actions.join(', ')}`);
  return { ...rest, actions: given as Action[] };
}

function upstream({ prefix, registry, lifetime, username, passwordFile, insecure }: UpstreamFile): UpstreamConfig {
  if (registry === '') throw invalidArgument('an upstream needs a registry, such as docker.io');
  const password = passwordFile === '' ? '' : readFileSync(passwordFile, 'utf8').trim();
  return {
    registry,
    prefix: prefix ?? defaultPrefix(registry),
    lifetime: milliseconds('lifetime', lifetime, '1h'),
    username,
    password,
    insecure,
  };
}

/** `docker.io`, `hub=docker.io`, `=docker.io` for whatever is not found here. */
export function upstreamFlag(flag: string): UpstreamConfig {
  const equals = flag.indexOf('=');
  const registry = flag.slice(equals + 1);
  const prefix = equals < 0 ? null : flag.slice(0, equals);
  return upstream({ prefix, registry, lifetime: '', username: '', passwordFile: '', insecure: false });
}

/** A port cannot be part of a repository's name. */
function defaultPrefix(registry: string): string {
  return registry.toLowerCase().replace(/:/g, '-');
}

function retentionRule(file: RetentionFile): RetentionRule {
  for (const expression of file.keepTags ?? []) pattern(expression);
  return {
    repositories: file.repositories || '**',
    ...(file.keepLast !== null && { keepLast: file.keepLast }),
    ...(file.keepTags !== null && { keepTags: file.keepTags }),
    ...(file.keepYounger !== '' && { keepYounger: milliseconds('keepYounger', file.keepYounger, '') }),
    ...(file.removeUntagged !== '' && { removeUntagged: milliseconds('removeUntagged', file.removeUntagged, '') }),
  };
}

function pattern(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch (cause) {
    throw invalidArgument(`invalid regular expression ${JSON.stringify(text)}`, { cause });
  }
}

function metricsAudience(text: string): ServiceConfig['metrics'] {
  if (text === 'loopback' || text === 'everybody' || text === 'nobody') return text;
  throw invalidArgument('metrics is for loopback, everybody or nobody');
}

/** Go's durations, and days, which people think in. */
export function milliseconds(name: string, given: string, fallback: string): number {
  const value = given || fallback;
  const days = /^(\d+)d$/.exec(value)?.[1];
  if (days !== undefined) return Number(days) * 24 * 60 * 60 * 1000;
  const nanos = parseDuration(value);
  if (nanos < 0n) throw invalidArgument(`${name} is negative`);
  return Number(nanos / 1_000_000n);
}
