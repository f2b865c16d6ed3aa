import type { Timestamp } from '@bufbuild/protobuf/wkt';
import type { StatusResponse, VertexWarning } from '@wharf/build/pb/control_pb';

/** What is kept of a step's output. */
const tailLines = 40;

/** A part of a step's work: a layer that is pulled, a file that is sent. */
export interface StepPart {
  readonly id: string;
  readonly current: number;
  readonly total: number;
  /** Seconds since 1970. */
  readonly timestamp: number;
  readonly started: number | undefined;
  readonly completed: number | undefined;
}

/** A step of a build, as far as it is known. */
export class Step {
  readonly digest: string;
  name = '';
  isCached = false;
  error = '';
  /** Seconds since 1970. */
  started: number | undefined;
  completed: number | undefined;
  /** Seconds of earlier runs: several builds may share a step, and a cached one may be looked at twice. */
  #before = 0;
  readonly parts = new Map<string, StepPart>();
  readonly warnings: VertexWarning[] = [];
  /** Its place among the steps that have started, from 1. */
  index = 0;
  /** The newest lines of its output; the last one may have no end yet. */
  readonly tail: string[] = [''];

  constructor(digest: string) {
    this.digest = digest;
  }

  get isCanceled(): boolean {
    return this.error.endsWith('context canceled');
  }

  get isRunning(): boolean {
    return this.started !== undefined && this.completed === undefined;
  }

  /** Keeps the newest lines. */
  say(text: string): void {
    const lines = `${this.tail.pop() ?? ''}${text}`.split('\n');
    this.tail.push(...lines.map((line) => line.replace(/\r$/, '').replace(/^.*\r/, '')));
    if (this.tail.length > tailLines) this.tail.splice(0, this.tail.length - tailLines);
  }

  /** Seconds that it has run. */
  elapsed(now: number): number {
    return this.started === undefined ? 0 : Math.max(0, this.#before + (this.completed ?? now) - this.started);
  }

  /** It runs once more: what it took before counts as well. */
  restart(started: number): void {
    if (this.started !== undefined && this.completed !== undefined && started > this.started) {
      this.#before += this.completed - this.started;
    }
    this.started = started;
    this.completed = undefined;
  }
}

export interface StepLog {
  readonly step: Step;
  readonly bytes: Uint8Array;
  /** Seconds since 1970. */
  readonly timestamp: number;
}

/** What one message of progress has changed. */
export interface TraceChange {
  /** In the order in which they came. */
  readonly steps: readonly Step[];
  readonly logs: readonly StepLog[];
  readonly parts: readonly { readonly step: Step; readonly part: StepPart }[];
  readonly warnings: readonly { readonly step: Step; readonly warning: VertexWarning }[];
}

/** All that was told of a build, or of several at once. */
export class BuildTrace {
  readonly #steps = new Map<string, Step>();
  readonly started: Step[] = [];

  get steps(): Iterable<Step> {
    return this.#steps.values();
  }

  /** `prefix` tells the steps of one of several builds from the others'. */
  add({ vertexes, statuses, logs, warnings }: StatusResponse, prefix = ''): TraceChange {
    const touched = new Set<Step>();
    const stepOf = (digest: string) => {
      const key = prefix + digest;
      let step = this.#steps.get(key);
      if (!step) {
        step = new Step(digest);
        this.#steps.set(key, step);
      }
      touched.add(step);
      return step;
    };
    for (const vertex of vertexes) {
      const step = stepOf(vertex.digest);
      step.name ||= named(vertex.name, prefix);
      step.isCached = vertex.cached;
      step.error = vertex.error;
      const started = secondsOf(vertex.started);
      if (started !== undefined && started !== step.started) step.restart(started);
      step.completed = secondsOf(vertex.completed);
      if (step.started === undefined && step.completed !== undefined) step.started = step.completed;
      if (step.started !== undefined && step.index === 0) step.index = this.started.push(step);
    }
    const parts = statuses.map((status) => {
      const step = stepOf(status.vertex);
      const part: StepPart = {
        id: status.ID,
        current: Number(status.current),
        total: Number(status.total),
        timestamp: secondsOf(status.timestamp) ?? 0,
        started: secondsOf(status.started),
        completed: secondsOf(status.completed),
      };
      step.parts.set(part.id, part);
      return { step, part };
    });
    const lines = logs.map(({ vertex, msg, timestamp }) => ({
      step: stepOf(vertex),
      bytes: msg,
      timestamp: secondsOf(timestamp) ?? 0,
    }));
    for (const { step, bytes } of lines) step.say(Buffer.from(bytes).toString());
    const found = warnings.map((warning) => {
      const step = stepOf(warning.vertex);
      step.warnings.push(warning);
      return { step, warning };
    });
    return { steps: [...touched], logs: lines, parts, warnings: found };
  }
}

/** `[web 2/3] RUN ...` of the build `web`. */
function named(name: string, prefix: string): string {
  if (prefix === '') return name;
  return name.startsWith('[') ? `[${prefix} ${name.slice(1)}` : `[${prefix}] ${name}`;
}

function secondsOf(time: Timestamp | undefined): number | undefined {
  return time && Number(time.seconds) + time.nanos / 1e9;
}
