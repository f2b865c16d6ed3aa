import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { invalidArgument } from '@wharf/base/error';
import type { Digest } from '@wharf/oci/digest';
import { type Credentials, credentialsFrom, noCredentials } from '@wharf/registry/client/credentials';
import type { Transfers } from '@wharf/registry/transfer/transfers';
import { BuildCaches } from '../cache/build-caches.ts';
import { encodeInlineCache, type StepResult } from '../cache/cache-config.ts';
import { parseCacheExport, parseCacheImport } from '../cache/cache-requests.ts';
import { exportCaches } from '../cache/export-cache.ts';
import type { ContextStore, HeldContext } from '../contexts/context-store.ts';
import { collectOutput } from '../exporters/collect-output.ts';
import type { ExporterRequest } from '../exporters/exporter-request.ts';
import { parseOutput } from '../exporters/output.ts';
import { runExporters } from '../exporters/run-exporters.ts';
import type { BuildHistory } from '../history/build-history.ts';
import type { StepObserver } from '../history/step-observer.ts';
import { Auth, CredentialsRequestSchema } from '../pb/filesync_pb.ts';
import { Upload } from '../pb/upload_pb.ts';
import type { FrontendResult } from '../solver/frontend.ts';
import { ImageSources } from '../solver/image-sources.ts';
import type { ProgressSink } from '../solver/progress.ts';
import type { LocalRequest } from '../solver/session.ts';
import { Solver, type SolverDeps } from '../solver/solver.ts';
import { SolverBridge } from '../solver/solver-bridge.ts';
import { receiveDirectory } from './receive-directory.ts';
import { sessionClient } from './session-client.ts';
import type { SessionConnection } from './session-connection.ts';
import { sessionKeys } from './session-keys.ts';
import { withTransferProgress } from './transfer-progress.ts';

export interface LlbDeps extends SolverDeps {
  readonly transfers: Transfers;
  readonly contexts: ContextStore;
  readonly history: BuildHistory;
}

export interface LlbRequest {
  readonly id: string;
  readonly session: SessionConnection | undefined;
  readonly entitlements: readonly string[];
  /** Seconds since 1970. */
  readonly epoch: number | undefined;
  readonly exporters: readonly ExporterRequest[];
  readonly caches: { readonly imports: readonly ExporterRequest[]; readonly exports: readonly ExporterRequest[] };
  readonly signal: AbortSignal;
  readonly emit: ProgressSink;
  readonly observer?: StepObserver;
}

/** One build as BuildKit's clients ask for it: `drive` makes the result, which is exported. Answers what exporters tell. */
export async function buildLlb(
  deps: LlbDeps,
  request: LlbRequest,
  drive: (bridge: SolverBridge) => Promise<FrontendResult>,
): Promise<Record<string, string>> {
  const { session, signal, emit, epoch } = request;
  // Before anything runs: what an exporter cannot do says so.
  const outputs = request.exporters.map(parseOutput);
  const cacheExports = request.caches.exports.map(parseCacheExport);
  const isInline = cacheExports.some(({ type }) => type === 'inline');
  for (const entry of request.caches.imports) parseCacheImport(entry);
  using _lease = deps.parts.leases.open();
  const scratch = join(deps.dataRoot, 'build', 'work', randomBytes(8).toString('hex'));
  mkdirSync(scratch, { recursive: true, mode: 0o700 });
  const held: HeldContext[] = [];
  try {
    const credentials = (domain: string) => credentialsOf(session, domain, signal);
    const client = sessionClient({ session, credentials, signal });
    const { parts, transfers } = deps;
    const caches = new BuildCaches({ parts, transfers, client, signal, emit });
    const images = new ImageSources(deps.parts, deps.transfers, { credentials, signal, onPull: () => undefined });
    const solver = new Solver(deps, {
      images,
      signal,
      limits: {},
      shmSize: 64 << 20,
      entitlements: new Set(request.entitlements),
      useCache: true,
      caches,
      emit,
      ...(request.observer && { observer: request.observer }),
      scratch,
      keys: session && sessionKeys(session, signal),
      ...(session && { openUpload: (path: string) => receiveUpload(session, path, signal) }),
      openLocal: async (local, vertex) => {
        if (!session) throw invalidArgument(`no local sources enabled: ${local.name}`);
        const context = await withTransferProgress({ name: local.name, vertex, emit }, (counted) =>
          deps.contexts.receive(keyOf(session, local), local.name, (tree) =>
            receiveDirectory(session, local, counted(tree), signal),
          ),
        );
        held.push(context);
        return context.directory;
      },
    });
    const bridge = new SolverBridge(solver, images, { buildId: request.id, sessionId: session?.id ?? '' });
    await caches.import(request.caches.imports);
    const result = await drive(bridge);
    const made: StepResult[] = [];
    const inlineCache = (layers: readonly Digest[]) => (isInline ? encodeInlineCache(made, layers) : undefined);
    const build = await collectOutput({ solver, bridge, result, epoch, inlineCache });
    if (cacheExports.length > 0) made.push(...(await caches.results(solver.definitions)));
    deps.fault('build.export');
    const response = await runExporters(outputs, { deps, build, client, signal, emit });
    const filled = await exportCaches(cacheExports, { deps, build, client, caches, results: made, signal, emit });
    return { ...response, ...filled };
  } finally {
    for (const context of held) context.release();
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** What a client sends of its own, as the context of a build that it read from its standard input. */
async function* receiveUpload(session: SessionConnection, urlpath: string, signal: AbortSignal) {
  const stream = session.open(Upload.method.pull, { urlpath }, signal);
  stream.end();
  for await (const { data } of stream.messages()) yield data;
}

/** Clients tell their directories apart by their shared key; what is asked of one is kept apart as well. */
function keyOf(session: SessionConnection, { name, includePatterns, followPaths }: LocalRequest): string {
  return JSON.stringify([session.sharedKey || session.id, name, includePatterns, followPaths]);
}

async function credentialsOf(
  session: SessionConnection | undefined,
  domain: string,
  signal: AbortSignal,
): Promise<Credentials> {
  if (!session?.offers(Auth.method.credentials)) return noCredentials;
  const Host = domain === 'docker.io' ? 'registry-1.docker.io' : domain;
  const answer = await session.call(Auth.method.credentials, create(CredentialsRequestSchema, { Host }), signal);
  const { Username: username, Secret: password } = answer;
  if (password === '') return noCredentials;
  return credentialsFrom(username === '' ? { identitytoken: password } : { username, password });
}
