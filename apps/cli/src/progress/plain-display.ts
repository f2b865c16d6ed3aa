import type { StatusResponse } from '@wharf/build/pb/control_pb';
import type { Output } from '../terminal/output.ts';
import { BuildTrace, type Step, type StepPart } from './build-trace.ts';
import { formatAmount, type ProgressDisplay } from './progress-display.ts';

/** A part is told again after so much of it, or so many seconds. */
const partShare = 0.05;
const partSeconds = 5;
/** Another step that has something to say gets its turn after so many seconds. */
const turnSeconds = 5;

interface Pending {
  readonly lines: string[];
  /** A line that has no end yet. */
  rest: string;
  readonly told: Map<string, StepPart>;
  readonly changed: Set<string>;
  warnings: number;
}

/** Lines that only grow: each says to which step it belongs, and those of one step stay together. */
export class PlainDisplay implements ProgressDisplay {
  readonly #output: Output;
  readonly #trace = new BuildTrace();
  readonly #pending = new Map<Step, Pending>();
  readonly #done = new Set<Step>();
  #current: Step | undefined;
  #since = 0;
  #isFirst = true;

  constructor(output: Output) {
    this.#output = output;
  }

  add(status: StatusResponse, prefix = ''): void {
    const change = this.#trace.add(status, prefix);
    for (const { step, part } of change.parts) this.#of(step).changed.add(part.id);
    for (const { step, bytes, timestamp } of change.logs) this.#log(step, bytes, timestamp);
    const changed = change.steps.filter(({ index }) => index > 0);
    for (const step of changed) this.#of(step);
    this.#show(changed);
  }

  end(): void {
    for (const step of this.#pending.keys()) if (step.index > 0) this.#print(step);
  }

  #of(step: Step): Pending {
    let pending = this.#pending.get(step);
    if (!pending) {
      pending = { lines: [], rest: '', told: new Map(), changed: new Set(), warnings: 0 };
      this.#pending.set(step, pending);
      this.#done.delete(step);
    }
    return pending;
  }

  #log(step: Step, bytes: Uint8Array, timestamp: number): void {
    const pending = this.#of(step);
    const seconds = Math.max(0, timestamp - (step.started ?? timestamp));
    const parts = (pending.rest + new TextDecoder().decode(bytes)).split('\n');
    pending.rest = parts.pop() ?? '';
    for (const line of parts) pending.lines.push(`#${step.index} ${formatSeconds(seconds)} ${line.replace(/\r$/, '')}`);
  }

  /** What has ended is told whole; of what goes on, the one that is being told goes on being told for a while. */
  #show(changed: readonly Step[]): void {
    for (const step of changed.filter(({ completed }) => completed !== undefined)) {
      if (step === this.#current) this.#print(step);
    }
    for (const step of changed) if (step.completed !== undefined && this.#pending.has(step)) this.#print(step);
    const current = this.#current;
    const waiting = [...this.#pending.keys()].filter((step) => step.isRunning && step !== current);
    const now = Date.now() / 1000;
    if (current?.isRunning && (waiting.length === 0 || now - this.#since < turnSeconds)) this.#print(current);
    else if (waiting[0]) this.#print(waiting[0]);
  }

  #print(step: Step): void {
    const pending = this.#of(step);
    if (this.#current !== step) {
      if (this.#current) this.#line(`#${this.#current.index} ...`);
      if (!this.#isFirst) this.#line('');
      this.#isFirst = false;
      this.#line(`#${step.index} ${step.name}`);
      this.#current = step;
      this.#since = Date.now() / 1000;
    }
    for (const id of pending.changed) this.#part(step, id, pending);
    pending.changed.clear();
    for (const { short } of step.warnings.slice(pending.warnings)) {
      this.#line(`#${step.index} WARN: ${Buffer.from(short).toString()}`);
    }
    pending.warnings = step.warnings.length;
    for (const line of pending.lines.splice(0)) this.#line(line);
    if (step.completed === undefined) return;
    if (pending.rest !== '') this.#line(`#${step.index} ${pending.rest}`);
    this.#line(`#${step.index} ${endOf(step)}`);
    this.#pending.delete(step);
    this.#done.add(step);
    this.#current = undefined;
  }

  #part(step: Step, id: string, { told }: Pending): void {
    const part = step.parts.get(id);
    if (!part) return;
    const last = told.get(id);
    if (last && part.completed === undefined) {
      const share = part.total > 0 ? (part.current - last.current) / part.total : 0;
      if (share < partShare && part.timestamp - last.timestamp < partSeconds) return;
    }
    told.set(id, part);
    const took = part.started === undefined ? 0 : (part.completed ?? part.timestamp) - part.started;
    const time = took > 0.01 ? ` ${took.toFixed(1)}s` : '';
    const done = part.completed === undefined ? '' : ' done';
    this.#line(`#${step.index} ${id}${formatAmount(part.current, part.total)}${time}${done}`);
  }

  #line(text: string): void {
    this.#output.print(`${text}\n`);
  }
}

function endOf(step: Step): string {
  if (step.error !== '') return step.isCanceled ? 'CANCELED' : `ERROR: ${step.error}`;
  if (step.isCached) return 'CACHED';
  return `DONE ${step.elapsed(step.completed ?? 0).toFixed(1)}s`;
}

/** Five characters, as BuildKit's clients write it: `0.123`, `12.34`. */
export function formatSeconds(seconds: number): string {
  return seconds.toFixed(3).slice(0, 5);
}
