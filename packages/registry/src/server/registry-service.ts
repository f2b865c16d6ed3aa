import { createWriteStream, mkdirSync, readFileSync } from 'node:fs';
import { invalidArgument } from '@wharf/base/error';
import type { Logger } from '@wharf/base/logger';
import { noCredentials } from '../client/credentials.ts';
import { hostDirectories } from '../client/host-directories.ts';
import { RegistryClient } from '../client/registry-client.ts';
import type { Proxies } from '../client/transport.ts';
import { type AccessControl, openAccess } from './access/access-control.ts';
import { Accounts } from './access/accounts.ts';
import { parseRepositoryPattern } from './access/repository-pattern.ts';
import { RobotTokens } from './access/robot-tokens.ts';
import { defaultRules, type Rule, Rules } from './access/rules.ts';
import { TokenSigner } from './access/token-signer.ts';
import { UserAccess } from './access/user-access.ts';
import { UsersFile } from './access/users-file.ts';
import { formatAccessEntry } from './access-log.ts';
import { applyRetention } from './garbage/apply-retention.ts';
import { collectGarbage } from './garbage/collect-garbage.ts';
import type { RetentionRule } from './garbage/plan-retention.ts';
import { respond } from './handlers/respond.ts';
import { type Listener, listen } from './listen.ts';
import { Metrics } from './metrics.ts';
import { openFileStorage, openRegistry, type RegistryStorage } from './open-registry.ts';
import type { RegistryDeps, RegistryPolicy } from './registry-deps.ts';
import { RegistryServer } from './registry-server.ts';
import type { ObjectStore } from './storage/object-store.ts';
import { PullThrough } from './upstream/pull-through.ts';
import { type UpstreamSettings, Upstreams } from './upstream/upstreams.ts';

export interface ServiceConfig {
  /** `host:port`, `:port` or a port. */
  readonly listen: readonly string[];
  readonly root: string;
  /** Instead of `root`, but for what is only this server's. */
  readonly s3: S3Settings | undefined;
  readonly tls:
    | { readonly certificate: string; readonly key: string; readonly clientCa: string | undefined }
    | undefined;
  /** Files. Without users whoever reaches the registry may do anything. */
  readonly users: string | undefined;
  readonly tokens: string;
  readonly anonymousPull: boolean;
  readonly externalUrl: string | undefined;
  /** None lets every user do everything. */
  readonly rules: readonly Rule[];
  readonly upstreams: readonly UpstreamConfig[];
  readonly proxies: Proxies;
  readonly immutableTags: readonly { readonly repositories: string; readonly tags: RegExp }[];
  readonly retention: readonly RetentionRule[];
  /** Milliseconds between collections; 0 leaves them to the command. */
  readonly collectEvery: number;
  readonly uploadLifetime: number;
  /** A file, or `-` for standard output. */
  readonly accessLog: string | undefined;
  readonly metrics: 'loopback' | 'everybody' | 'nobody';
  readonly policy: Omit<RegistryPolicy, 'isImmutable'>;
}

export interface S3Settings {
  readonly bucket: string;
  readonly region: string;
  /** '' is AWS. */
  readonly endpoint: string;
  readonly prefix: string;
  readonly forcePathStyle: boolean;
  /** Send clients to the bucket for blobs. */
  readonly redirect: boolean;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
}

export interface UpstreamConfig extends UpstreamSettings {
  readonly username: string;
  readonly password: string;
  /** Reached without TLS, or with a certificate that nobody vouches for. */
  readonly insecure: boolean;
}

export interface RegistryService {
  readonly listeners: readonly Listener[];
  close(): Promise<void>;
}

export async function openStorage({ root, s3 }: Pick<ServiceConfig, 'root' | 's3'>): Promise<RegistryStorage> {
  if (s3) {
    const { openS3Storage } = await import('./storage/s3-storage.ts');
    return openS3Storage(s3);
  }
  mkdirSync(root, { recursive: true, mode: 0o700 });
  return openFileStorage(root);
}

export function createPolicy({ policy, immutableTags }: ServiceConfig): RegistryPolicy {
  const rules = immutableTags.map(({ repositories, tags }) => ({
    matches: parseRepositoryPattern(repositories),
    tags,
  }));
  return {
    ...policy,
    isImmutable: (repository, tag) => rules.some(({ matches, tags }) => matches(repository) && tags.test(tag)),
  };
}

/** Opens everything, listens, and collects now and then. */
export async function startRegistry(config: ServiceConfig, logger: Logger): Promise<RegistryService> {
  const metrics = new Metrics();
  const storage = await openStorage(config);
  const pullThrough = createPullThrough(config, metrics, logger);
  const registry = openRegistry(storage, createPolicy(config), pullThrough);
  const log = openAccessLog(config.accessLog);
  const server = new RegistryServer({
    registry,
    access: createAccess(config, storage.objects),
    logger,
    observe(entry) {
      metrics.observe(entry);
      log?.(formatAccessEntry(entry));
    },
  });
  const handle = async (request: Request, peer: string) =>
    (await answerOperator(request, peer, { config, metrics, registry })) ?? (await server.handle(request, peer));
  const tls = config.tls && {
    cert: readCredential(config.tls.certificate),
    key: readCredential(config.tls.key),
    ...(config.tls.clientCa !== undefined && { ca: readCredential(config.tls.clientCa) }),
  };
  const listeners: Listener[] = [];
  try {
    for (const address of config.listen) {
      const { hostname, port } = parseListen(address);
      if (!config.users && !isLoopback(hostname)) {
        logger.warn('Anybody who reaches this address may push and delete: name a users file', { address });
      }
      listeners.push(listen({ hostname, port, tls, handle, logger }));
    }
  } catch (error) {
    for (const listener of listeners) await listener.close();
    throw error;
  }
  const stopCollecting = collectRegularly(registry, config, { metrics, logger });
  return {
    listeners,
    async close() {
      await Promise.all([...listeners.map((listener) => listener.close()), stopCollecting()]);
      await storage.objects.close();
    },
  };
}

function createAccess(config: ServiceConfig, objects: ObjectStore): AccessControl {
  if (config.users === undefined) return openAccess;
  const rules = new Rules(config.rules.length > 0 ? config.rules : defaultRules(config.anonymousPull));
  const users = new UsersFile(config.users);
  const accounts = new Accounts(users, new RobotTokens(config.tokens), rules);
  return new UserAccess({ accounts, signer: new TokenSigner(objects), externalUrl: config.externalUrl });
}

function createPullThrough(config: ServiceConfig, metrics: Metrics, logger: Logger): PullThrough | undefined {
  if (config.upstreams.length === 0) return undefined;
  const insecure = config.upstreams.filter((upstream) => upstream.insecure).map(({ registry }) => registry);
  const client = new RegistryClient({
    userAgent: 'wharf-registry',
    proxies: config.proxies,
    config: () => ({ mirrors: [], insecure, prefixMirrors: {} }),
    directories: hostDirectories(['/etc/wharf/certs.d', '/etc/docker/certs.d']),
  });
  const upstreams = config.upstreams.map(({ username, password, insecure: _, ...settings }) => ({
    ...settings,
    open: (path: string) =>
      client.repository(
        { domain: settings.registry, path },
        username === '' ? noCredentials : { ...noCredentials, username, password, serverAddress: settings.registry },
      ),
  }));
  const observe = (result: string) => metrics.upstream(result);
  return new PullThrough({ upstreams: new Upstreams(upstreams), logger, observe });
}

/** `/metrics` and `/healthz`: for whoever runs the registry, beside the API. */
async function answerOperator(
  request: Request,
  peer: string,
  { config, metrics, registry }: { config: ServiceConfig; metrics: Metrics; registry: RegistryDeps },
): Promise<Response | undefined> {
  // Most requests are for images; few need their address taken apart.
  if (!/(?:healthz|metrics)(?:\?|$)/.test(request.url)) return undefined;
  const { pathname } = new URL(request.url);
  if (pathname === '/healthz') {
    try {
      await registry.objects.write('health/check', String(Date.now()), { durable: false });
      return respond(200, { 'Content-Type': 'application/json' }, '{"status":"ok"}\n');
    } catch {
      return respond(503, { 'Content-Type': 'application/json' }, '{"status":"the store cannot be written"}\n');
    }
  }
  if (pathname !== '/metrics') return undefined;
  const isWelcome = config.metrics === 'everybody' || (config.metrics === 'loopback' && isLoopback(peer));
  if (!isWelcome) return respond(403, { 'Content-Type': 'text/plain' }, 'metrics are for this machine\n');
  return respond(200, { 'Content-Type': 'text/plain; version=0.0.4' }, metrics.format());
}

function collectRegularly(
  registry: RegistryDeps,
  config: ServiceConfig,
  { metrics, logger }: { metrics: Metrics; logger: Logger },
): () => Promise<void> {
  if (config.collectEvery === 0) return async () => {};
  const stopping = new AbortController();
  let running: Promise<void> = Promise.resolve();
  async function collect(): Promise<void> {
    try {
      const removals = await applyRetention(registry, config.retention, { dryRun: false });
      const options = { dryRun: false, uploadLifetime: config.uploadLifetime, signal: stopping.signal };
      const collected = await collectGarbage(registry, options);
      metrics.collected(collected);
      if (removals.length + collected.blobs + collected.uploads > 0) {
        logger.info('Collected garbage', { ...collected, removedByRules: removals.length });
      }
    } catch (error) {
      if (!stopping.signal.aborted) logger.error('Cannot collect garbage', { error });
    }
  }
  const timer = setInterval(() => {
    running = running.then(collect);
  }, config.collectEvery);
  timer.unref();
  return async () => {
    clearInterval(timer);
    stopping.abort();
    await running;
  };
}

function openAccessLog(target: string | undefined): ((line: string) => void) | undefined {
  if (target === undefined) return undefined;
  if (target === '-') return (line) => void process.stdout.write(line);
  const stream = createWriteStream(target, { flags: 'a', mode: 0o640 });
  stream.on('error', () => {});
  return (line) => void stream.write(line);
}

function readCredential(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw invalidArgument(`cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
}

export function parseListen(address: string): { hostname: string; port: number } {
  const match = /^(?:(?:\[([0-9a-fA-F:]+)\]|([^:[\]]*)):)?(\d{1,5})$/.exec(address);
  const port = Number(match?.[3]);
  if (!match || port > 65535) throw invalidArgument(`invalid address to listen on: ${JSON.stringify(address)}`);
  return { hostname: match[1] ?? (match[2] || (address.includes(':') ? '0.0.0.0' : '127.0.0.1')), port };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^(::ffff:)?127\./.test(host);
}
