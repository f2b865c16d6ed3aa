import { EngineError } from '@wharf/base/error';
import type { Vertex } from '../solver/graph.ts';
import type { BuildEvent, VertexEvent } from '../solver/progress.ts';
import { SolveError } from '../solver/solve-error.ts';
import type { ProgressLog } from '../wire/progress-log.ts';
import type { BuildFailure, BuildRecord, Material, StepCounts, StepParts, StepRecord } from './build-record.ts';
import { withoutPassword } from './describe-build.ts';
import type { SecretValues } from './secret-values.ts';
import { stepFacts } from './step-facts.ts';
import type { FileEntries, StepObserver } from './step-observer.ts';

interface RecordingOptions {
  readonly begun: BuildRecord;
  readonly secrets: SecretValues;
  /** What its client is shown. */
  readonly log: ProgressLog;
  readonly onEnd: (recording: Recording) => void;
}

/** Takes down a build while it runs. */
export class Recording implements StepObserver {
  readonly log: ProgressLog;
  readonly #begun: BuildRecord;
  readonly #secrets: SecretValues;
  readonly #onEnd: (recording: Recording) => void;
  readonly #vertices = new Map<string, VertexEvent>();
  readonly #parts = new Map<string, StepParts>();
  readonly #indexes = new Map<string, FileEntries>();
  readonly #materials = new Map<string, Material>();
  #warnings = 0;
  #end: Pick<BuildRecord, 'completedAt' | 'response' | 'error'> | undefined;

  constructor({ begun, secrets, log, onEnd }: RecordingOptions) {
    this.#begun = begun;
    this.#secrets = secrets;
    this.log = log;
    this.#onEnd = onEnd;
  }

  get ref(): string {
    return this.#begun.ref;
  }

  /** As it is now. */
  get record(): BuildRecord {
    const end = this.#end ?? { response: {} };
    return { ...this.#begun, ...end, steps: this.#counts(), materials: [...this.#materials.values()] };
  }

  get steps(): readonly StepRecord[] {
    const end = this.#end?.completedAt ?? Date.now();
    return [...this.#vertices.values()].flatMap((vertex) => this.#step(vertex, end));
  }

  /** What its steps read, by digest. */
  get indexes(): ReadonlyMap<string, FileEntries> {
    return this.#indexes;
  }

  event(event: BuildEvent): void {
    const kept = event.kind === 'vertex' ? this.#secrets.hideIn(event) : event;
    if (kept.kind === 'vertex') this.#vertices.set(kept.digest, kept);
    if (event.kind === 'warning') this.#warnings++;
    this.log.add(event);
  }

  keyed(vertex: Vertex, parts: Omit<StepParts, 'facts'>): void {
    const facts = Object.entries(stepFacts(vertex.op)).map(([name, fact]) => [name, this.#secrets.hide(fact)] as const);
    this.#parts.set(vertex.digest, { ...parts, facts: Object.fromEntries(facts) });
  }

  indexed(digest: string, entries: FileEntries): void {
    this.#indexes.set(digest, entries);
  }

  material({ uri, digest }: Material): void {
    const shown = withoutPassword(uri);
    this.#materials.set(`${shown} ${digest}`, { uri: shown, digest });
  }

  complete(response: Readonly<Record<string, string>>): void {
    this.#finish({ response });
  }

  fail(thrown: unknown): void {
    this.#finish({ response: {}, error: this.#describe(thrown) });
  }

  #finish(end: Pick<BuildRecord, 'response' | 'error'>): void {
    if (this.#end) return;
    this.#end = { ...end, completedAt: Date.now() };
    this.log.end();
    this.#onEnd(this);
  }

  #describe(thrown: unknown): BuildFailure {
    const { code, message } = EngineError.from(thrown);
    // What a client's connection says when it goes.
    const canceled = code === 'canceled' || /context canceled$/.test(message);
    return {
      code: canceled ? 'canceled' : code,
      message: withoutPassword(this.#secrets.hide(message)),
      ...(thrown instanceof SolveError && { vertex: thrown.vertex }),
    };
  }

  /** What came after so many events, without secrets. */
  since(count: number): BuildEvent[] {
    return this.log.since(count).map((event) => this.#secrets.hideIn(event));
  }

  #counts(): StepCounts {
    const vertices = [...this.#vertices.values()];
    return {
      total: vertices.length,
      completed: vertices.filter(({ completed }) => completed !== undefined).length,
      cached: vertices.filter(({ cached }) => cached).length,
      warnings: this.#warnings,
    };
  }

  #step({ digest, name, inputs, cached, started, completed, error }: VertexEvent, end: number): StepRecord[] {
    if (started === undefined) return [];
    const parts = this.#parts.get(digest);
    const outcome = error !== undefined ? 'failed' : completed === undefined ? 'canceled' : cached ? 'cached' : 'ran';
    const times = {
      started: milliseconds(started),
      completed: completed === undefined ? end : milliseconds(completed),
    };
    const step = { vertex: digest, name, inputs, outcome, ...times } as const;
    return [{ ...step, ...(error !== undefined && { error }), ...(parts && { parts }) }];
  }
}

function milliseconds(nanoseconds: bigint): number {
  return Number(nanoseconds / 1000n) / 1000;
}
