import { EngineError, notImplemented } from '@wharf/base/error';
import { newId } from '@wharf/base/id';
import { createMatcher } from '@wharf/base/ignore/pattern-matcher';
import { dockerfileFrontend } from '../dockerfile/frontend.ts';
import type { FileJobs } from '../trees/file-job.ts';
import { byteName, shownName, type TreeStat } from '../trees/tree-view.ts';
import type { BridgeSolve, DockerfileStep, FrontendBridge, FrontendResult, Ref } from './frontend.ts';
import { decodeDefinition, type Edge } from './graph.ts';
import type { ImageSources } from './image-sources.ts';
import type { WarningEvent } from './progress.ts';
import { locationOf } from './result.ts';
import type { Solver } from './solver.ts';

const mostBytesOfFile = 16 << 20;

export interface BridgeOptions {
  readonly buildId: string;
  /** '' where the client has no session. */
  readonly sessionId: string;
  /** Called for every graph before anything of it runs. */
  readonly onGraph?: (edge: Edge | undefined, steps: readonly DockerfileStep[]) => void;
}

type Place = FileJobs['list']['request'];

/** What frontends ask of one build, answered by its solver and this engine's images. */
export class SolverBridge implements FrontendBridge {
  readonly buildId: string;
  readonly sessionId: string;
  readonly entitlements: ReadonlySet<string>;
  readonly #solver: Solver;
  readonly #images: ImageSources;
  readonly #onGraph: BridgeOptions['onGraph'];
  readonly #refs = new Map<string, { readonly ref: Ref; readonly edge: Edge }>();

  constructor(solver: Solver, images: ImageSources, { buildId, sessionId, onGraph }: BridgeOptions) {
    this.#solver = solver;
    this.#images = images;
    this.buildId = buildId;
    this.sessionId = sessionId;
    this.entitlements = solver.options.entitlements;
    this.#onGraph = onGraph;
  }

  edgeOf({ id }: Ref): Edge | undefined {
    return this.#refs.get(id)?.edge;
  }

  /** Throws not_found. */
  refOf(id: string): Ref {
    const found = this.#refs.get(id);
    if (!found) throw new EngineError('not_found', `no such ref: ${id}`);
    return found.ref;
  }

  async solve(request: BridgeSolve): Promise<FrontendResult> {
    if (!('definition' in request)) {
      const { frontend, options, inputs = {} } = request;
      if (frontend !== 'dockerfile.v0') throw notImplemented(`the frontend ${frontend}`);
      const result = await dockerfileFrontend(this, { options, inputs, signal: this.#solver.options.signal });
      if (request.evaluate) await Promise.all([...result.refs.values()].map((ref) => ref?.evaluate()));
      return result;
    }
    const { definition, steps = [], cacheImports = [] } = request;
    if (cacheImports.length > 0) await this.#solver.options.caches?.import(cacheImports);
    const edge = decodeDefinition(definition);
    this.#onGraph?.(edge, steps);
    if (!edge) return { refs: new Map([['default', undefined]]), metadata: new Map() };
    const id = newId();
    const ref: Ref = { id, definition, evaluate: async () => void (await this.#solver.result(edge)) };
    this.#refs.set(id, { ref, edge });
    if (request.evaluate) await ref.evaluate();
    return { refs: new Map([['default', ref]]), metadata: new Map() };
  }

  resolveImageConfig: FrontendBridge['resolveImageConfig'] = (reference, options) =>
    this.#images.resolve(reference, options);

  async readFile(ref: Ref, path: string, range = { offset: 0, length: mostBytesOfFile }): Promise<Uint8Array> {
    const { deps, options } = this.#solver;
    return await this.#look(ref, path, (place) => deps.workers.run('read', { ...place, ...range }, options.signal));
  }

  async readDirectory(ref: Ref, path: string, includePattern = ''): Promise<FileJobs['list']['answer']> {
    const { deps, options } = this.#solver;
    const all = await this.#look(ref, path, (place) => deps.workers.run('list', place, options.signal));
    if (includePattern === '') return all;
    const matcher = createMatcher([includePattern]);
    return all.filter(({ name }) => matcher.matches(shownName(name)));
  }

  async statFile(ref: Ref, path: string): Promise<TreeStat> {
    const { deps, options } = this.#solver;
    const look = (place: Place) => deps.workers.run('stat', { ...place, follow: true }, options.signal);
    return await this.#look(ref, path, look);
  }

  /** Computes a result, and looks at a path of it. */
  async #look<T>(ref: Ref, path: string, body: (place: Place) => Promise<T>): Promise<T> {
    const edge = this.edgeOf(ref);
    if (!edge) throw new EngineError('not_found', `no such ref: ${ref.id}`);
    const tree = locationOf(this.#solver.deps.dataRoot, await this.#solver.result(edge));
    await using workspace = this.#solver.workspace();
    return await body({ tree, workspace: workspace.path, path: byteName(path) });
  }

  warn(warning: WarningEvent): void {
    this.#solver.options.emit({ kind: 'warning', ...warning });
  }
}
