import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { JsonMessage } from '@wharf/api/streams/json-message';
import { EngineError, invalidArgument, notImplemented } from '@wharf/base/error';
import { newId } from '@wharf/base/id';
import type { Digest } from '@wharf/oci/digest';
import { formatCanonical, formatFamiliar } from '@wharf/oci/reference';
import { type Credentials, credentialsFrom, noCredentials } from '@wharf/registry/client/credentials';
import type { Transfers } from '@wharf/registry/transfer/transfers';
import { dockerfileFrontend } from '../dockerfile/frontend.ts';
import { writeImage } from '../exporters/write-image.ts';
import type { BuildHistory } from '../history/build-history.ts';
import { type BuildDescription, randomReference } from '../history/describe-build.ts';
import type { Recording } from '../history/recording.ts';
import type { FrontendResult, ImageConfigDraft } from '../solver/frontend.ts';
import { ImageSources } from '../solver/image-sources.ts';
import { CommandError, MissingPathError, SolveError } from '../solver/solve-error.ts';
import { Solver, type SolverDeps } from '../solver/solver.ts';
import { SolverBridge } from '../solver/solver-bridge.ts';
import { ClassicProgress } from './classic-progress.ts';
import type { ClassicRequest } from './classic-request.ts';
import { pruneContext } from './prune-context.ts';
import { planSteps } from './step-plan.ts';
import { unpackContext } from './unpack-context.ts';

export interface ClassicDeps extends SolverDeps {
  readonly transfers: Transfers;
  readonly history: BuildHistory;
}

/**
 * Builds an image of a Dockerfile in a tar, and tells of it as the classic builder does. Answers its id.
 * A command that fails is the last that it tells; other failures are thrown.
 */
export async function buildClassic(
  deps: ClassicDeps,
  context: Readable,
  request: ClassicRequest,
  send: (message: JsonMessage) => void,
): Promise<Digest | undefined> {
  using _lease = deps.parts.leases.open();
  const directory = join(deps.dataRoot, 'build', 'work', randomBytes(8).toString('hex'));
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const recording = deps.history.begin(descriptionOf(request));
  try {
    const { remote, signal } = request;
    const tree = remote === '' ? await unpackContext(deps.workers, context, { directory, signal }) : undefined;
    const id = await build(deps, { tree, scratch: directory, recording }, request, send);
    if (id !== undefined) recording.complete(responseOf(id, request));
    return id;
  } catch (error) {
    recording.fail(error);
    throw error;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function build(
  deps: ClassicDeps,
  { tree, scratch, recording }: { tree: string | undefined; scratch: string; recording: Recording },
  request: ClassicRequest,
  send: (message: JsonMessage) => void,
): Promise<Digest | undefined> {
  const { signal, quiet, names } = request;
  const progress = new ClassicProgress(send, { quiet });
  const onPull = (message: JsonMessage) => void (quiet || send(message));
  const images = new ImageSources(deps.parts, deps.transfers, { credentials: credentialsOf(request), signal, onPull });
  const epoch = epochOf(request.buildArgs);
  const solver = new Solver(deps, {
    images,
    signal,
    limits: request.limits,
    shmSize: request.shmSize,
    entitlements: new Set(['network.host']),
    useCache: !request.noCache,
    emit: (event) => {
      recording.event(event);
      progress.event(event);
    },
    observer: recording,
    onRun: (vertex, id) => progress.running(vertex, id),
    scratch,
    keys: undefined,
    openLocal: async ({ name, excludePatterns }) => {
      if (tree === undefined) throw new EngineError('not_found', `no local sources enabled: ${name}`);
      pruneContext(tree, request.dockerfile, excludePatterns);
      return tree;
    },
  });
  const bridge = new SolverBridge(solver, images, {
    buildId: newId(),
    sessionId: '',
    onGraph: (edge, steps) => {
      if (steps.length > 0) progress.plan(planSteps(steps, edge));
    },
  });
  const options = frontendOptions(request);
  const finished = await dockerfileFrontend(bridge, { options, inputs: {}, signal })
    .then((result) => finish(solver, bridge, result))
    .catch((error: unknown) => {
      if (!(error instanceof SolveError)) throw error;
      if (!(error.cause instanceof CommandError)) throw missingFile(error) ?? error;
      recording.fail(error);
      progress.commandFailed(error.vertex, error.cause);
    });
  if (!finished) return undefined;
  const { layers, draft } = finished;
  deps.fault('build.export');
  const id = await writeImage(deps.parts, {
    layers,
    draft: { ...draft, ...withLabels(draft, request.labels) },
    epoch,
    createdAt: (diffId) => solver.createdAt(diffId),
    names,
    descriptorOf: (diffId) => solver.descriptorOf(diffId),
    signal,
  });
  deps.fault('build.answer');
  progress.done(id, names.map(formatFamiliar));
  return id;
}

async function finish(solver: Solver, bridge: SolverBridge, { refs, metadata }: FrontendResult) {
  if (refs.size > 1) throw notImplemented('a classic build for several platforms');
  const [ref] = refs.values();
  const result = await solver.result(ref && bridge.edgeOf(ref));
  if (result.kind !== 'layers') throw invalidArgument('the result of the build is no file system of layers');
  const draft = JSON.parse(Buffer.from(metadata.get('containerimage.config') ?? '{}').toString()) as ImageConfigDraft;
  return { layers: result.layers, draft };
}

/** As clients of BuildKit would have asked for it. */
function descriptionOf(request: ClassicRequest): BuildDescription {
  const { buildId, remote, names } = request;
  const tags = names.map(formatFamiliar).join(',');
  return {
    ref: randomReference(),
    alias: buildId,
    frontend: 'dockerfile.v0',
    options: frontendOptions(request),
    exporters: [{ type: 'image', attributes: tags === '' ? {} : { name: tags } }],
    context: remote || `classic ${tags}`,
  };
}

function responseOf(id: Digest, { names }: ClassicRequest): Record<string, string> {
  const named = names.map(formatCanonical).join(',');
  return { 'containerimage.digest': id, ...(named !== '' && { 'image.name': named }) };
}

/** A file that COPY or ADD does not find, in the classic builder's words. */
function missingFile({ cause }: SolveError): EngineError | undefined {
  if (!(cause instanceof MissingPathError) || cause.reader === 'mount') return undefined;
  const where = cause.reader === 'context' ? 'file not found in build context or excluded by .dockerignore: ' : '';
  const path = cause.path.replace(/^\//, '');
  return new EngineError('not_found', `COPY failed: ${where}stat ${path}: file does not exist`);
}

function credentialsOf({ registries }: ClassicRequest): (domain: string) => Credentials {
  return (domain) => {
    const kept = registries[domain === 'docker.io' ? 'https://index.docker.io/v1/' : domain];
    return kept === undefined ? noCredentials : credentialsFrom(kept);
  };
}

/** Labels of the command line, where the frontend has not put them in already. */
function withLabels(draft: ImageConfigDraft, labels: Readonly<Record<string, string>>): Partial<ImageConfigDraft> {
  if (Object.keys(labels).length === 0) return {};
  return { config: { ...draft.config, Labels: { ...draft.config?.Labels, ...labels } } };
}

function frontendOptions(request: ClassicRequest): Record<string, string> {
  const { dockerfile, remote, target, platform, networkMode, extraHosts, ulimits } = request;
  const entries: [string, string][] = [['filename', dockerfile]];
  if (remote !== '') entries.push(['context', remote]);
  for (const [name, value] of Object.entries(request.buildArgs))
    if (value !== null) entries.push([`build-arg:${name}`, value]);
  for (const [name, value] of Object.entries(request.labels)) entries.push([`label:${name}`, value]);
  if (target !== '') entries.push(['target', target]);
  if (platform !== '') entries.push(['platform', platform]);
  if (request.pull) entries.push(['image-resolve-mode', 'pull']);
  if (request.noCache) entries.push(['no-cache', '']);
  if (networkMode !== '' && networkMode !== 'default' && networkMode !== 'bridge') {
    entries.push(['force-network-mode', networkMode]);
  }
  const hosts = extraHosts.map((host) => host.replace(':', '='));
  if (hosts.length > 0) entries.push(['add-hosts', hosts.join(',')]);
  if (ulimits.length > 0) {
    entries.push(['ulimit', ulimits.map(({ Name, Soft, Hard }) => `${Name}=${Soft}:${Hard}`).join(',')]);
  }
  return Object.fromEntries(entries);
}

function epochOf(buildArgs: ClassicRequest['buildArgs']): number | undefined {
  const text = buildArgs.SOURCE_DATE_EPOCH;
  return text && /^\d+$/.test(text) ? Number(text) : undefined;
}
