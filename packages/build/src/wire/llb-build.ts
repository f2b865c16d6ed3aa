import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { invalidArgument, notImplemented } from '@wharf/base/error';
import { nowNanos } from '@wharf/base/timestamp';
import { type Digest, digestOf } from '@wharf/oci/digest';
import { formatCanonical, parseReference, type Reference, withDefaultTag } from '@wharf/oci/reference';
import { type Credentials, credentialsFrom, noCredentials } from '@wharf/registry/client/credentials';
import type { Transfers } from '@wharf/registry/transfer/transfers';
import type { ContextStore, HeldContext } from '../contexts/context-store.ts';
import { exportImage } from '../exporters/image-exporter.ts';
import { Auth, CredentialsRequestSchema } from '../pb/filesync_pb.ts';
import type { ExporterRequest } from '../solver/builder.ts';
import type { FrontendResult, ImageConfigDraft } from '../solver/frontend.ts';
import { ImageSources } from '../solver/image-sources.ts';
import type { ProgressSink } from '../solver/progress.ts';
import type { LocalRequest } from '../solver/session.ts';
import { Solver, type SolverDeps } from '../solver/solver.ts';
import { SolverBridge } from '../solver/solver-bridge.ts';
import { receiveDirectory } from './receive-directory.ts';
import type { SessionConnection } from './session-connection.ts';
import { sessionKeys } from './session-keys.ts';

export interface LlbDeps extends SolverDeps {
  readonly transfers: Transfers;
  readonly contexts: ContextStore;
}

export interface LlbRequest {
  readonly id: string;
  readonly session: SessionConnection | undefined;
  readonly entitlements: readonly string[];
  /** Seconds since 1970. */
  readonly epoch: number | undefined;
  readonly exporters: readonly ExporterRequest[];
  readonly signal: AbortSignal;
  readonly emit: ProgressSink;
}

/** One build as BuildKit's clients ask for it: `drive` makes the result, which is exported. Answers what exporters tell. */
export async function buildLlb(
  deps: LlbDeps,
  request: LlbRequest,
  drive: (bridge: SolverBridge) => Promise<FrontendResult>,
): Promise<Record<string, string>> {
  const { session, signal, emit, epoch } = request;
  for (const exporter of request.exporters) checkExporter(exporter);
  using _lease = deps.parts.leases.open();
  const scratch = join(deps.dataRoot, 'build', 'work', randomBytes(8).toString('hex'));
  mkdirSync(scratch, { recursive: true, mode: 0o700 });
  const held: HeldContext[] = [];
  try {
    const images = new ImageSources(deps.parts, deps.transfers, {
      credentials: (domain) => credentialsOf(session, domain, signal),
      signal,
      onPull: () => undefined,
    });
    const solver = new Solver(deps, {
      images,
      signal,
      limits: {},
      shmSize: 64 << 20,
      entitlements: new Set(request.entitlements),
      useCache: true,
      latest: epoch === undefined ? undefined : BigInt(epoch) * 1_000_000_000n,
      emit,
      scratch,
      keys: session && sessionKeys(session, signal),
      openLocal: async (local) => {
        if (!session) throw invalidArgument(`no local sources enabled: ${local.name}`);
        const receive = (tree: Parameters<typeof receiveDirectory>[2]) =>
          receiveDirectory(session, local, tree, signal);
        const context = await deps.contexts.receive(keyOf(session, local), local.name, receive);
        held.push(context);
        return context.directory;
      },
    });
    const bridge = new SolverBridge(solver, images, { buildId: request.id, sessionId: session?.id ?? '' });
    const result = await drive(bridge);
    await Promise.all([...result.refs.values()].map((ref) => ref?.evaluate()));
    const responses: Record<string, string> = {};
    for (const exporter of request.exporters) {
      Object.assign(responses, await exportResult(deps, request, { solver, bridge, result, exporter }));
    }
    return responses;
  } finally {
    for (const context of held) context.release();
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Before anything runs: what the exporter cannot do yet says so. */
function checkExporter({ type, attributes }: ExporterRequest): void {
  if (type !== 'moby' && type !== 'image') throw notImplemented(`the exporter ${type}`);
  for (const name of ['push', 'push-by-digest', 'rewrite-timestamp']) {
    if (attributes[name] === 'true') throw notImplemented(`the exporter ${type} with ${name}`);
  }
}

interface Exporting {
  readonly solver: Solver;
  readonly bridge: SolverBridge;
  readonly result: FrontendResult;
  readonly exporter: ExporterRequest;
}

async function exportResult(
  deps: LlbDeps,
  { emit, epoch }: LlbRequest,
  { solver, bridge, result, exporter }: Exporting,
): Promise<Record<string, string>> {
  const { refs, metadata } = result;
  if (refs.size > 1) throw notImplemented('an image for several platforms');
  const names = (exporter.attributes.name ?? '').split(',').filter((name) => name !== '');
  const references = names.map((name) => withDefaultTag(parseReference(name)));
  const digest = digestOf(randomBytes(16));
  const vertex = { kind: 'vertex' as const, digest, inputs: [], name: 'exporting to image', cached: false };
  const started = nowNanos();
  emit({ ...vertex, started });
  try {
    const [name, ref] = [...refs][0] ?? ['default', undefined];
    const found = await solver.result(ref && bridge.edgeOf(ref));
    if (found.kind !== 'layers') throw invalidArgument('the result of the build is no file system of layers');
    const config = metadata.get('containerimage.config') ?? metadata.get(`containerimage.config/${name}`);
    const draft = JSON.parse(Buffer.from(config ?? '{}').toString()) as ImageConfigDraft;
    deps.fault('build.export');
    const id = await exportImage(deps.parts, {
      layers: found.layers,
      draft,
      epoch,
      createdAt: (diffId) => solver.createdAt(diffId),
      names: references,
      descriptorOf: (diffId) => solver.descriptorOf(diffId),
    });
    for (const text of [`writing image ${id}`, ...references.map((one) => `naming to ${formatCanonical(one)}`)]) {
      const at = nowNanos();
      const step = { id: text, vertex: digest, name: text, current: 0, total: 0, timestamp: at };
      emit({ kind: 'status', ...step, started: at, completed: at });
    }
    emit({ ...vertex, started, completed: nowNanos() });
    return responseOf(deps, id, references);
  } catch (error) {
    emit({ ...vertex, started, completed: nowNanos(), error: (error as Error).message });
    throw error;
  }
}

function responseOf({ parts }: LlbDeps, id: Digest, names: readonly Reference[]): Record<string, string> {
  const stored = parts.images.get(id);
  const [image] = stored ? parts.catalog.platforms(stored) : [];
  return {
    'containerimage.digest': id,
    ...(image && { 'containerimage.config.digest': image.manifest.config.digest }),
    ...(names.length > 0 && { 'image.name': names.map(formatCanonical).join(',') }),
  };
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
