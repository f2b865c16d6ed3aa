import type { BuildStatus } from '@wharf/api/build-history';

type Vertex = NonNullable<BuildStatus['vertexes']>[number];

interface Shown {
  readonly number: number;
  readonly name: string;
  readonly started: number;
  /** What a line has so far. */
  rest: string;
  readonly decoder: TextDecoder;
  shown: boolean;
  over: boolean;
}

/** The progress of a build as lines, each with the number of its step, as buildx prints it where no terminal is. */
export class PlainLog {
  readonly #print: (text: string) => void;
  readonly #steps = new Map<string, Shown>();
  /** The step whose lines were the last. */
  #current: string | undefined;

  constructor(print: (text: string) => void) {
    this.#print = print;
  }

  add({ vertexes = [], statuses = [], logs = [], warnings = [] }: BuildStatus): void {
    for (const vertex of vertexes) this.#begin(vertex);
    const begun = vertexes.filter(({ completed }) => completed === undefined);
    for (const { vertex, id, name = id, completed, started } of statuses) {
      if (completed === undefined) continue;
      const seconds = started === undefined ? '' : ` ${secondsBetween(Date.parse(started), completed)}`;
      this.#line(vertex, `${name}${seconds} done`);
    }
    for (const { vertex, data, timestamp } of logs) this.#output(vertex, Buffer.from(data, 'base64'), timestamp);
    for (const { vertex, short } of warnings) this.#line(vertex, `WARN: ${Buffer.from(short, 'base64')}`);
    for (const vertex of vertexes) this.#finish(vertex);
    // What goes on is shown once all that has ended is.
    for (const { digest } of begun) if (this.#steps.get(digest)?.shown === false) this.#head(digest);
  }

  /** Prints what is left of lines that were not ended. */
  end(): void {
    for (const [vertex, { rest, over }] of this.#steps) if (rest !== '' && !over) this.#line(vertex, rest);
  }

  #begin({ digest, name, started }: Vertex): void {
    if (started === undefined || this.#steps.has(digest)) return;
    const number = this.#steps.size + 1;
    const rest = { rest: '', decoder: new TextDecoder(), shown: false, over: false };
    this.#steps.set(digest, { number, name, started: Date.parse(started), ...rest });
  }

  #finish({ digest, completed, cached, error }: Vertex): void {
    const step = this.#steps.get(digest);
    if (!step || step.over || completed === undefined) return;
    if (step.rest !== '') this.#line(digest, step.rest);
    step.over = true;
    if (error) this.#line(digest, `ERROR: ${error}`);
    else this.#line(digest, cached ? 'CACHED' : `DONE ${secondsBetween(step.started, completed)}`);
    this.#print('\n');
    this.#current = undefined;
  }

  /** Lines begin with how long after its step's beginning they came. */
  #output(vertex: string, bytes: Buffer, timestamp: string | undefined): void {
    const step = this.#steps.get(vertex);
    if (!step) return;
    const at = timestamp === undefined ? 0 : Math.max(0, Date.parse(timestamp) - step.started);
    const text = step.rest + step.decoder.decode(bytes, { stream: true });
    const lines = text.split('\n');
    step.rest = lines.pop() ?? '';
    for (const line of lines) this.#line(vertex, `${(at / 1000).toFixed(3)} ${line}`);
  }

  /** Names the step that the lines to come are of. */
  #head(vertex: string): void {
    const step = this.#steps.get(vertex);
    if (!step || this.#current === vertex) return;
    if (this.#current !== undefined) this.#print('\n');
    this.#current = vertex;
    step.shown = true;
    this.#print(`#${step.number} ${step.name}\n`);
  }

  #line(vertex: string, text: string): void {
    this.#head(vertex);
    this.#print(`#${this.#steps.get(vertex)?.number ?? 0} ${text}\n`);
  }
}

function secondsBetween(begin: number, end: string): string {
  return `${(Math.max(0, Date.parse(end) - begin) / 1000).toFixed(1)}s`;
}
