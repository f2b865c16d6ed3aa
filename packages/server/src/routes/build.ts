import { parseJson } from '@wharf/base/decode';
import { invalidArgument, notImplemented } from '@wharf/base/error';
import type { BuildRequest, Engine } from '@wharf/engine/engine';
import { parseReference, withDefaultTag } from '@wharf/oci/reference';
import type { Context } from '../context.ts';
import type { Hijacked } from '../http/exchange.ts';
import type { Query } from '../query.ts';
import { type Route, route } from '../router.ts';
import { sendProgress } from '../stream-response.ts';
import { buildHistoryRoutes } from './build-history.ts';

/** Parameters of the classic builder that nothing here does yet. */
const unsupported = ['squash', 'outputs', 'cachefrom', 'isolation'];

export function buildRoutes({ builds }: Pick<Engine, 'builds'>): Route[] {
  return [
    route('POST', '/build', async (context) => {
      const request = buildRequest(context);
      await sendProgress(context, (send) => builds.build(context.bodyStream(), request, send));
    }),
    route('POST', '/grpc', async (context) => {
      const { socket, head } = upgradeToHttp2(context);
      await builds.serveApi(socket, head);
    }),
    route('POST', '/session', async (context) => {
      const id = context.header('x-docker-expose-session-uuid') ?? '';
      const sharedKey = context.header('x-docker-expose-session-sharedkey') ?? '';
      const methods = (context.header('x-docker-expose-session-grpc-method') ?? '')
        .split(',')
        .map((text) => text.trim());
      if (id === '') throw invalidArgument('a session without an id');
      const { socket, head } = upgradeToHttp2(context);
      await builds.holdSession(socket, head, { id, sharedKey, methods });
    }),
    route('POST', '/build/cancel', async (context) => {
      const id = context.query.text('id');
      if (id === '') throw invalidArgument('build ID not provided');
      builds.cancel(id);
      context.empty(200);
    }),
    route('POST', '/build/prune', async (context) => {
      const { query } = context;
      const limits = {
        reserved: query.integer('reserved-space') ?? query.integer('keep-storage') ?? 0,
        maximum: query.integer('max-used-space') ?? 0,
        free: query.integer('min-free-space') ?? 0,
      };
      context.json(200, await builds.prune({ all: query.boolean('all'), filters: query.filters(), limits }));
    }),
    ...buildHistoryRoutes(builds),
  ];
}

function upgradeToHttp2<P>(context: Context<P>): Hijacked {
  const upgrade = context.header('upgrade');
  if (upgrade === undefined) throw invalidArgument('no upgrade proto in request');
  if (upgrade !== 'h2c') throw invalidArgument(`protocol ${upgrade} not supported`);
  return context.hijack('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n');
}

function buildRequest<P>(context: Context<P>): BuildRequest {
  const { query, signal } = context;
  if (query.text('version') === '2') throw notImplemented('POST /build with BuildKit (version=2)');
  for (const name of unsupported) {
    if (!['', 'false', '0', '[]', 'null', 'default'].includes(query.text(name)))
      throw notImplemented(`POST /build with ${name}`);
  }
  return {
    dockerfile: query.text('dockerfile') || 'Dockerfile',
    remote: remoteOf(query.text('remote')),
    buildId: query.text('buildid'),
    names: query
      .all('t')
      .filter((name) => name !== '')
      .map(parseName),
    buildArgs: textsOf(query, 'buildargs') as Record<string, string | null>,
    labels: textsOf(query, 'labels') as Record<string, string>,
    target: query.text('target'),
    platform: query.text('platform').toLowerCase(),
    networkMode: query.text('networkmode'),
    extraHosts: extraHosts(query.text('extrahosts')),
    noCache: query.boolean('nocache'),
    pull: query.boolean('pull'),
    quiet: query.boolean('q'),
    shmSize: query.integer('shmsize') ?? 0,
    limits: limitsOf(query),
    ulimits: ulimitsOf(query),
    registries: registriesOf(context.header('x-registry-config')),
    signal,
  };
}

function remoteOf(text: string): string {
  const address = /^github\.com\//.test(text) ? `https://${text}` : text;
  if (address === '' || /^(?:https?|git|ssh):\/\/|^[\w-]+@[\w.-]+:/.test(address)) return address;
  throw invalidArgument(`remoteURL (${text}) could not be recognized as URL`);
}

function parseName(name: string) {
  const reference = parseReference(name);
  if (reference.digest !== undefined) throw invalidArgument('build tag cannot contain a digest');
  return withDefaultTag(reference);
}

function textsOf(query: Query, name: string): Record<string, unknown> {
  const parsed = parseJson(query.text(name)) ?? {};
  if (parsed === null) return {};
  if (typeof parsed !== 'object' || Array.isArray(parsed)) throw invalidArgument(`error reading ${name}`);
  for (const value of Object.values(parsed)) {
    if (value !== null && typeof value !== 'string') throw invalidArgument(`error reading ${name}`);
  }
  return parsed as Record<string, unknown>;
}

/** A JSON list, or words separated by commas, as clients of different ages send them. */
function extraHosts(text: string): string[] {
  if (text === '') return [];
  const hosts = text.startsWith('[') ? (parseJson(text) as string[]) : text.split(',');
  return hosts.filter((host) => typeof host === 'string' && host !== '');
}

function limitsOf(query: Query): BuildRequest['limits'] {
  const numbers = {
    memory: query.integer('memory'),
    memorySwap: query.integer('memswap'),
    cpuShares: query.integer('cpushares'),
    cpuPeriod: query.integer('cpuperiod'),
    cpuQuota: query.integer('cpuquota'),
  };
  const texts = {
    cpusetCpus: query.text('cpusetcpus'),
    cpusetMems: query.text('cpusetmems'),
    cgroupParent: query.text('cgroupparent'),
  };
  const set = [...Object.entries(numbers), ...Object.entries(texts)].filter(
    ([, value]) => value !== undefined && value !== '' && value !== 0,
  );
  return Object.fromEntries(set);
}

function ulimitsOf(query: Query): BuildRequest['ulimits'] {
  const parsed = parseJson(query.text('ulimits')) ?? [];
  if (parsed === null) return [];
  if (!Array.isArray(parsed)) throw invalidArgument('error reading ulimit settings');
  return parsed as BuildRequest['ulimits'];
}

/** X-Registry-Config: base64url JSON of credentials by registry. What cannot be read counts as none. */
function registriesOf(header: string | undefined): Record<string, unknown> {
  if (!header) return {};
  try {
    const parsed: unknown = JSON.parse(Buffer.from(header, 'base64url').toString('utf8'));
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};
  } catch {
    return {};
  }
}
