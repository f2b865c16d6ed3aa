import type { StatusResponse } from '@wharf/build/pb/control_pb';
import type { Output } from '../terminal/output.ts';
import { type Colour, paint } from '../terminal/paint.ts';
import type { TerminalSize } from '../terminal/terminal.ts';
import { BuildTrace, type Step, type StepPart } from './build-trace.ts';
import { formatAmount, type ProgressDisplay } from './progress-display.ts';

const frameMilliseconds = 100;
const linesOfTail = 6;
const barWidth = 20;

export interface TerminalOptions {
  readonly colours: boolean;
  readonly size: () => TerminalSize;
  /** What stands at the right of the headline. */
  readonly title: string;
}

interface Line {
  readonly text: string;
  readonly time: number | undefined;
  readonly colour?: Colour;
}

/** Steps with their times, drawn in place: those that run show their transfers and the end of what they say. */
export class TerminalDisplay implements ProgressDisplay {
  readonly #output: Output;
  readonly #options: TerminalOptions;
  readonly #trace = new BuildTrace();
  readonly #begun = Date.now() / 1000;
  #drawn = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(output: Output, options: TerminalOptions) {
    this.#output = output;
    this.#options = options;
    this.#timer = setInterval(() => this.#draw(false), frameMilliseconds);
  }

  add(status: StatusResponse, prefix = ''): void {
    this.#trace.add(status, prefix);
  }

  end(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#draw(true);
  }

  #draw(isLast: boolean): void {
    const { columns, rows } = this.#options.size();
    const now = Date.now() / 1000;
    const lines = frame(this.#trace.started, now, isLast ? Number.POSITIVE_INFINITY : Math.max(3, rows - 2));
    const head = headline(this.#trace, { isLast, elapsed: now - this.#begun, columns, title: this.#options.title });
    const drawn = lines.map((line) => this.#line(line, columns));
    const up = this.#drawn > 0 ? `\x1b[${this.#drawn}A` : '';
    this.#output.print(`${up}\r${[head, ...drawn].map((line) => `${line}\x1b[K\n`).join('')}\x1b[J`);
    this.#drawn = drawn.length + 1;
  }

  #line({ text, time, colour }: Line, columns: number): string {
    const right = time === undefined ? '' : `${time.toFixed(1)}s`;
    const room = Math.max(10, columns - right.length - 2);
    const left = text.length > room ? `${text.slice(0, room - 3)}...` : text.padEnd(room);
    const line = `${left} ${right}`.trimEnd();
    return this.#options.colours && colour ? paint(line, colour) : line;
  }
}

function headline(
  trace: BuildTrace,
  { isLast, elapsed, columns, title }: { isLast: boolean; elapsed: number; columns: number; title: string },
): string {
  const all = [...trace.steps];
  const done = all.filter(({ completed }) => completed !== undefined).length;
  const state = isLast && all.every(({ error }) => error === '') ? ' FINISHED' : '';
  const left = `[+] Building ${elapsed.toFixed(1)}s (${done}/${all.length})${state}`;
  const room = columns - left.length - 1;
  return room > title.length ? `${left}${title.padStart(room)}` : left.slice(0, columns - 1);
}

/** The steps that fit: those that run with what they do; where there is little room, finished ones go first. */
export function frame(steps: readonly Step[], now: number, room: number): Line[] {
  const running = steps.filter(({ isRunning }) => isRunning).length;
  const spare = Math.max(0, room - steps.length);
  const tail = running === 0 ? 0 : Math.min(linesOfTail, Math.floor(spare / running));
  const blocks = steps.map((step) => ({ step, lines: block(step, now, tail) }));
  const count = () => blocks.reduce((sum, { lines }) => sum + lines.length, 0);
  for (let at = 0; count() > room && at < blocks.length; ) {
    if (blocks[at]!.step.isRunning) at++;
    else blocks.splice(at, 1);
  }
  return blocks.flatMap(({ lines }) => lines).slice(0, room);
}

function block(step: Step, now: number, tail: number): Line[] {
  const colour = colourOf(step);
  const mark = step.error !== '' ? (step.isCanceled ? 'CANCELED ' : 'ERROR ') : step.isCached ? 'CACHED ' : '';
  const lines: Line[] = [{ text: ` => ${mark}${step.name}`, time: step.elapsed(now), ...(colour && { colour }) }];
  for (const part of step.parts.values()) {
    if (part.completed !== undefined && step.completed !== undefined && step.parts.size > mostPartsOfEnded) continue;
    const isDone = part.completed !== undefined;
    const time = part.started === undefined ? undefined : (part.completed ?? now) - part.started;
    lines.push({ text: ` => => ${partText(part)}`, time, ...(isDone && { colour: 'blue' as const }) });
  }
  if (step.isRunning && tail > 0) {
    const said = step.tail.filter((line) => line !== '').slice(-tail);
    for (const line of said) lines.push({ text: ` => => # ${plain(line)}`, time: undefined });
  }
  return lines;
}

/** An ended step that pulled many layers shows none of them. */
const mostPartsOfEnded = 8;

function colourOf(step: Step): Colour | undefined {
  if (step.error !== '') return step.isCanceled ? 'yellow' : 'red';
  return step.completed === undefined ? undefined : 'blue';
}

function partText({ id, current, total, completed }: StepPart): string {
  if (total <= 0 || completed !== undefined) return `${id}${formatAmount(current, total)}`;
  const filled = Math.round(Math.min(1, current / total) * barWidth);
  return `${id} [${'='.repeat(filled).padEnd(barWidth)}]${formatAmount(current, total)}`;
}

/** Nothing of a step's output moves the cursor of the one who looks. */
function plain(line: string): string {
  return line.replace(/\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07]*\x07?|.)/g, '').replace(/[\x00-\x1f\x7f]/g, ' ');
}
