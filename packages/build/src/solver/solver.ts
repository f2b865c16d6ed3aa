import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, chownSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError, notImplemented } from '@wharf/base/error';
import type { FaultPoint } from '@wharf/base/fault-point';
import { nowNanos } from '@wharf/base/timestamp';
import { together } from '@wharf/base/together';
import type { Descriptor } from '@wharf/oci/descriptor';
import type { Digest } from '@wharf/oci/digest';
import type { ImageParts } from '@wharf/store/images/image-parts';
import { layerDirectory } from '@wharf/store/layers/layer-directory';
import type { LayerRecord } from '@wharf/store/layers/layer-store';
import type { BuildCaches } from '../cache/build-caches.ts';
import type { CacheLayer } from '../cache/cache-config.ts';
import { Definitions } from '../cache/definitions.ts';
import type { StepRead } from '../history/build-record.ts';
import type { StepObserver } from '../history/step-observer.ts';
import { runExecOp } from '../ops/exec-op.ts';
import { planFileOp } from '../ops/file-op.ts';
import type { DiffOp, ExecOp, FileOp, SourceOp } from '../pb/llb_pb.ts';
import type { OpenUpload } from '../sources/http-source.ts';
import type { FileWorkers } from '../trees/file-workers.ts';
import { type Selection, whole } from '../trees/select.ts';
import type { BuildCache, CachedStep } from './build-cache.ts';
import type { BuildLimits } from './build-limits.ts';
import type { CacheMounts } from './cache-mounts.ts';
import type { Edge, Vertex } from './graph.ts';
import type { ImageSources } from './image-sources.ts';
import type { ProgressSink } from './progress.ts';
import { readSource } from './read-source.ts';
import { emptyResult, layerPaths, locationOf, type Result } from './result.ts';
import type { ClientKeys, LocalRequest } from './session.ts';
import { MissingPathError, SolveError } from './solve-error.ts';
import type { StepGate } from './step-gate.ts';
import type { StepRunner } from './step-runner.ts';
import type { StepViews } from './step-views.ts';

export interface SolverDeps {
  readonly dataRoot: string;
  readonly parts: ImageParts;
  readonly workers: FileWorkers;
  readonly cache: BuildCache;
  readonly runner: StepRunner;
  readonly views: StepViews;
  readonly cacheMounts: CacheMounts;
  readonly fault: FaultPoint;
  /** Steps that are under way in any build, by key. */
  readonly running: Map<string, Promise<CachedStep>>;
  /** All commands go through it. */
  readonly gate: StepGate;
}

export interface SolveOptions {
  readonly images: ImageSources;
  /** The directory that a client has under a name. */
  readonly openLocal: (request: LocalRequest, vertex: Digest) => Promise<string>;
  /** A stream that the client sends as the build's context. */
  readonly openUpload?: OpenUpload;
  /** Secrets and agents; undefined where the client has no session. */
  readonly keys: ClientKeys | undefined;
  /** A directory for what comes from elsewhere; gone with the build. */
  readonly scratch: string;
  readonly signal: AbortSignal;
  readonly limits: BuildLimits;
  readonly shmSize: number;
  readonly entitlements: ReadonlySet<string>;
  readonly useCache: boolean;
  /** Of elsewhere. */
  readonly caches?: BuildCaches | undefined;
  readonly emit: ProgressSink;
  readonly observer?: StepObserver;
  /** Told of each command that begins, and by which id this host knows it. */
  readonly onRun?: (vertex: Digest, id: string) => void;
}

interface KeyedStep {
  readonly key: string;
  /** Bottom to top. */
  readonly base: readonly Digest[];
  readonly reads: readonly StepRead[];
}

/** Computes what one build needs of its graphs: each vertex once, independent ones at the same time. */
export class Solver {
  readonly deps: SolverDeps;
  readonly options: SolveOptions;
  /** How results are named in caches of elsewhere. */
  readonly definitions = new Definitions({
    source: (edge) => this.result(edge),
    contents: (directory, selections, input) => this.#contents(directory, selections, { input, reader: 'context' }),
  });
  readonly #results = new Map<Digest, Promise<Result>>();
  readonly #descriptors = new Map<Digest, Descriptor>();
  readonly #created = new Map<Digest, number>();

  constructor(deps: SolverDeps, options: SolveOptions) {
    this.deps = deps;
    this.options = options;
  }

  async result(edge: Edge | undefined): Promise<Result> {
    if (!edge) return emptyResult;
    if (edge.index !== 0) throw notImplemented('an operation with several results');
    let result = this.#results.get(edge.vertex.digest);
    if (!result) {
      result = this.#solve(edge.vertex);
      result.catch(() => undefined);
      this.#results.set(edge.vertex.digest, result);
    }
    return result;
  }

  /** How the manifest of a base image names a layer; undefined for one that was made here. */
  descriptorOf(diffId: Digest): Descriptor | undefined {
    return this.#descriptors.get(diffId);
  }

  /** When a layer was made here, by this build or an earlier one: milliseconds since 1970. */
  createdAt(diffId: Digest): number | undefined {
    return this.#created.get(diffId);
  }

  async #solve(vertex: Vertex): Promise<Result> {
    const { signal, emit } = this.options;
    const { digest, name, metadata } = vertex;
    const shown = {
      kind: 'vertex' as const,
      digest,
      name,
      inputs: vertex.inputs.map((edge) => edge.vertex.digest),
      ...(metadata.progressGroup && { progressGroup: metadata.progressGroup }),
    };
    const imported = await this.#imported(vertex);
    const inputs = imported ? [] : await together(vertex.inputs.map((edge) => this.result(edge)));
    signal.throwIfAborted();
    const started = nowNanos();
    emit({ ...shown, cached: false, started });
    try {
      const { result, cached } = imported ?? (await this.#operate(vertex, inputs));
      emit({ ...shown, cached, started, completed: nowNanos() });
      return result;
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      const failure = error instanceof SolveError ? error : new SolveError(digest, error);
      emit({ ...shown, cached: false, started, completed: nowNanos(), error: failure.message });
      throw failure;
    }
  }

  /** The whole result from a cache of elsewhere, without a look at what it is made of. */
  async #imported(vertex: Vertex): Promise<{ result: Result; cached: boolean } | undefined> {
    const { caches, useCache } = this.options;
    const { op } = vertex.op;
    if (!caches?.hasImports || !useCache || !(op.case === 'exec' || op.case === 'file')) return undefined;
    const definition = await this.definitions.of({ vertex, index: 0 });
    const layers = definition?.anew === false && (await caches.result(definition, vertex));
    if (!layers) return undefined;
    // A build that knows no such cache finds them as well.
    for (const { key, layer } of caches.stepsOf(layers)) if (!this.deps.cache.has(key)) this.#keep(key, layer, vertex);
    for (const { diffId, createdAt } of layers) if (createdAt !== undefined) this.#created.set(diffId, createdAt);
    return { result: { kind: 'layers', layers: layers.map(({ diffId }) => diffId) }, cached: true };
  }

  /** Takes what a cache of elsewhere has for a step's. */
  #keep(key: string, { diffId, createdAt }: CacheLayer, { name }: Vertex): CachedStep {
    const size = this.deps.parts.layers.get(diffId)?.size ?? 0;
    return this.deps.cache.put(key, { layer: diffId, description: name, size, createdAt });
  }

  async #operate(vertex: Vertex, inputs: readonly Result[]): Promise<{ result: Result; cached: boolean }> {
    const { op } = vertex.op;
    switch (op.case) {
      case 'source':
        return { result: await this.#source(vertex, op.value), cached: false };
      case 'file':
        return this.#file(vertex, op.value, inputs);
      case 'exec':
        return this.#exec(vertex, op.value, inputs);
      case 'merge': {
        const layers = op.value.inputs.flatMap(({ input }) => layersOf(inputs[Number(input)] ?? emptyResult));
        return { result: { kind: 'layers', layers }, cached: false };
      }
      case 'diff':
        return this.#diff(vertex, op.value, inputs);
      default:
        throw notImplemented(`the operation ${op.case ?? 'without a kind'} of a build graph`);
    }
  }

  async #source(vertex: Vertex, op: SourceOp): Promise<Result> {
    const { result, descriptors } = await readSource(vertex, op, this.options);
    for (const [diffId, descriptor] of descriptors ?? []) this.#descriptors.set(diffId, descriptor);
    return result;
  }

  async #file(vertex: Vertex, op: FileOp, inputs: readonly Result[]) {
    const plan = planFileOp(op, inputs.length);
    const base = layersOf(plan.base < 0 ? emptyResult : inputs[plan.base]!);
    const sources = plan.sources.map((input) => (input < 0 ? emptyResult : inputs[input]!));
    const contents = await together(
      sources.map((source, index) => {
        const input = vertex.inputs[plan.sources[index]!];
        const reader = source.kind === 'directory' ? 'context' : 'stage';
        return this.#contents(source, plan.selections[index]!, { input, reader });
      }),
    );
    const key = keyOf(vertex, [base, contents]);
    const reads = contents.flatMap((digests, index) =>
      digests.map((digest, each) => {
        const input = vertex.inputs[plan.sources[index]!]?.vertex.digest ?? '';
        return { input, path: plan.selections[index]![each]!.path, digest };
      }),
    );
    return this.#cached(vertex, { key, base, reads }, async () => {
      await using workspace = this.#workspace();
      const upper = join(workspace.path, 'upper');
      mkdirSync(upper);
      const lowers = layerPaths(this.deps.dataRoot, base);
      if (lowers[0] !== undefined) takeOwnerAndMode(lowers[0], upper);
      const locations = sources.map((source) => locationOf(this.deps.dataRoot, source));
      const request = { lowers, workspace: workspace.path, sources: locations, steps: plan.steps };
      await this.deps.workers.run('steps', request, this.options.signal);
      return await this.adopt(upper);
    });
  }

  async #exec(vertex: Vertex, op: ExecOp, inputs: readonly Result[]) {
    const root = op.mounts.find(({ dest }) => dest === '/');
    const base = layersOf(root && root.input >= 0n ? inputs[Number(root.input)]! : emptyResult);
    const mounts = op.mounts.filter((mount) => mount !== root && mount.input >= 0n);
    const reads = await together(
      mounts.map(
        async ({ input, selector, dest }) =>
          [
            dest,
            await this.#contents(inputs[Number(input)]!, [whole(selector)], {
              input: vertex.inputs[Number(input)],
              reader: 'mount',
            }),
          ] as const,
      ),
    );
    const key = keyOf(vertex, [base, reads]);
    const read = mounts.map(({ input, dest: path }, index) => {
      return { input: vertex.inputs[Number(input)]?.vertex.digest ?? '', path, digest: reads[index]![1][0] ?? '' };
    });
    return this.#cached(vertex, { key, base, reads: read }, () => runExecOp(this, vertex, { op, inputs, base }));
  }

  /** What one result has over another: its own layers where it begins with the other's, else a layer that is made. */
  async #diff(vertex: Vertex, { lower, upper }: DiffOp, inputs: readonly Result[]) {
    const resultOf = (input: bigint | undefined) =>
      input === undefined || input < 0n ? emptyResult : inputs[Number(input)]!;
    const [below, above] = [resultOf(lower?.input), resultOf(upper?.input)];
    const [before, after] = [layersOf(below), layersOf(above)];
    if (before.every((layer, index) => after[index] === layer)) {
      return { result: { kind: 'layers' as const, layers: after.slice(before.length) }, cached: false };
    }
    return this.#cached(vertex, { key: keyOf(vertex, [before, after]), base: [], reads: [] }, async () => {
      await using workspace = this.#workspace();
      const to = join(workspace.path, 'upper');
      mkdirSync(to);
      const [from, until] = [below, above].map((result) => locationOf(this.deps.dataRoot, result));
      const request = { lower: from!, upper: until!, workspace: workspace.path, to };
      await this.deps.workers.run('diff', request, this.options.signal);
      return await this.adopt(to);
    });
  }

  /** The layer of this key, from the cache, from a build that makes it now, or by `make`. */
  async #cached(
    vertex: Vertex,
    { key, base, reads }: KeyedStep,
    make: () => Promise<LayerRecord>,
  ): Promise<{ result: Result; cached: boolean }> {
    const { cache, running, fault } = this.deps;
    const mayReuse = this.options.useCache && !vertex.metadata.ignoreCache;
    this.options.observer?.keyed(vertex, { key, base, reads, ignoresCache: !mayReuse });
    while (mayReuse) {
      const found = cache.find(key) ?? (await this.#orLeave(running.get(key)?.catch(() => undefined)));
      if (found) return this.#made(vertex, { key, base, found, cached: true });
      // Of those that waited for a step that failed or was given up, one makes it again and the others wait for that.
      if (!running.has(key)) break;
    }
    let isImported = false;
    const work = (async () => {
      const imported = mayReuse ? await this.options.caches?.step(key, vertex) : undefined;
      isImported = imported !== undefined;
      if (imported) return this.#keep(key, imported, vertex);
      fault('build.step');
      const { diffId, size } = await make();
      fault('build.cached');
      return cache.put(key, { layer: diffId, description: vertex.name, size });
    })();
    running.set(key, work);
    try {
      return this.#made(vertex, { key, base, found: await work, cached: isImported });
    } finally {
      if (running.get(key) === work) running.delete(key);
    }
  }

  /** Rejects as soon as this build is given up. */
  async #orLeave<T>(work: Promise<T> | undefined): Promise<T | undefined> {
    if (!work) return undefined;
    const { signal } = this.options;
    const { promise: left, reject } = Promise.withResolvers<never>();
    const leave = () => reject(signal.reason);
    signal.addEventListener('abort', leave, { once: true });
    try {
      return await Promise.race([work, left]);
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }

  #made(
    vertex: Vertex,
    { key, base, found, cached }: Pick<KeyedStep, 'key' | 'base'> & { found: CachedStep; cached: boolean },
  ): { result: Result; cached: boolean } {
    const { layer, createdAt } = found;
    this.#created.set(layer, Math.min(createdAt, this.#created.get(layer) ?? createdAt));
    const layers = [...base, layer];
    this.options.caches?.made(key, { vertex, diffIds: layers, createdAt });
    return { result: { kind: 'layers', layers }, cached };
  }

  /** What stands for the part of a tree that is read. */
  async #contents(
    source: Result,
    selections: readonly Selection[],
    { input, reader }: { readonly input: Edge | undefined; readonly reader: MissingPathError['reader'] },
  ): Promise<readonly string[]> {
    await using workspace = this.#workspace();
    const request = { tree: locationOf(this.deps.dataRoot, source), workspace: workspace.path, selections };
    const found = await this.deps.workers.run('checksum', request, this.options.signal);
    return found.map((sum) => {
      if ('digest' in sum) {
        this.options.observer?.indexed(sum.digest, sum.entries);
        return sum.digest;
      }
      throw new MissingPathError(sum.missing, input?.vertex.digest ?? 'scratch', reader);
    });
  }

  /** Makes a layer of what a step wrote. */
  async adopt(upper: string): Promise<LayerRecord> {
    this.deps.fault('build.layer');
    return this.deps.parts.layers.adopt(upper);
  }

  /** The same layer with no file younger than an epoch, in seconds since 1970. */
  async rewritten(diffId: Digest, epoch: number): Promise<Digest> {
    const { cache, workers, dataRoot, parts } = this.deps;
    const key = createHash('sha256').update(`rewrite-timestamp ${diffId} ${epoch}`).digest('hex');
    const known = cache.find(key);
    if (known) return known.layer;
    await using workspace = this.#workspace();
    const to = join(workspace.path, 'upper');
    const from = layerDirectory(dataRoot, diffId);
    mkdirSync(to);
    takeOwnerAndMode(from, to);
    await workers.run('clone', { from, to, latest: BigInt(epoch) * 1_000_000_000n }, this.options.signal);
    const record = await parts.layers.adopt(to);
    const description = `rewrite-timestamp=true of ${diffId}`;
    return cache.put(key, { layer: record.diffId, description, size: record.size }).layer;
  }

  /** A directory of its own for one job. */
  #workspace(): AsyncDisposable & { readonly path: string } {
    const path = join(this.deps.dataRoot, 'build', 'work', randomBytes(8).toString('hex'));
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return { path, [Symbol.asyncDispose]: async () => rmSync(path, { recursive: true, force: true }) };
  }

  workspace(): AsyncDisposable & { readonly path: string } {
    return this.#workspace();
  }
}

function layersOf(result: Result): readonly Digest[] {
  if (result.kind === 'layers') return result.layers;
  throw new EngineError('not_implemented', 'a directory of the client as the base of a step');
}

/** The operation and the content of all that it reads. */
function keyOf({ opDigest }: Vertex, reads: unknown): string {
  return createHash('sha256').update(opDigest).update(JSON.stringify(reads)).digest('hex');
}

/** An upper directory is the root directory of what lies over it. */
function takeOwnerAndMode(from: string, to: string): void {
  const { uid, gid, mode } = statSync(from);
  chownSync(to, uid, gid);
  chmodSync(to, mode & 0o7777);
}
