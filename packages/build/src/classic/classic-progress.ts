import type { JsonMessage } from '@wharf/api/streams/json-message';
import { shortId } from '@wharf/base/id';
import type { Digest } from '@wharf/oci/digest';
import type { BuildEvent } from '../solver/progress.ts';
import type { CommandError } from '../solver/solve-error.ts';
import type { PlannedStep } from './step-plan.ts';

/** What a quiet build keeps to tell should it fail. Characters. */
const withheldLimit = 1 << 20;
/** What a step that waits for its turn to be told keeps of its output. Characters. */
const waitingLimit = 1 << 20;
const clipped = '[output clipped]\n';

/** What is known of a vertex. */
interface VertexState {
  /** What its command has printed and was not told yet. */
  text: string;
  /** The id of its process, where it ran. */
  process: string | undefined;
  outcome: 'cached' | 'done' | undefined;
}

/**
 * Tells of a build as the classic builder does: a line for each step, and what its commands print. Steps that run at
 * the same time are told one after another.
 */
export class ClassicProgress {
  readonly #send: (message: JsonMessage) => void;
  readonly #quiet: boolean;
  readonly #vertices = new Map<string, VertexState>();
  #steps: readonly PlannedStep[] = [];
  /** The step that is told of, which of its vertices, and what of it has been said. */
  #step = 0;
  #part = 0;
  #said: 'nothing' | 'step' | 'outcome' = 'nothing';
  /** All that its stage did so far was there already; undefined where that was nothing. */
  #cached: boolean | undefined;
  #withheld = '';

  constructor(send: (message: JsonMessage) => void, { quiet }: { quiet: boolean }) {
    this.#send = send;
    this.#quiet = quiet;
  }

  /** To be called before anything of it runs. */
  plan(steps: readonly PlannedStep[]): void {
    this.#steps = steps;
    this.#advance();
  }

  event(event: BuildEvent): void {
    if (event.kind === 'warning') this.#stream(`[Warning] ${event.short}\n`);
    if (event.kind === 'log') this.#keep(this.#of(event.vertex), Buffer.from(event.bytes).toString());
    if (event.kind === 'vertex' && event.completed !== undefined && event.error === undefined) {
      this.#of(event.digest).outcome = event.cached ? 'cached' : 'done';
    }
    this.#advance();
  }

  /** A command begins, as a process of this id. */
  running(vertex: string, id: string): void {
    this.#of(vertex).process = shortId(id);
    this.#advance();
  }

  #keep(state: VertexState, text: string): void {
    state.text += text;
    if (state.text.length > waitingLimit) state.text = clipped + state.text.slice(-waitingLimit / 2);
  }

  #of(vertex: string): VertexState {
    let state = this.#vertices.get(vertex);
    if (!state) {
      state = { text: '', process: undefined, outcome: undefined };
      this.#vertices.set(vertex, state);
    }
    return state;
  }

  /** Tells what can be told by now. The last step ends with the image, whose id it has. */
  #advance(): void {
    for (let step = this.#steps[this.#step]; step; step = this.#steps[this.#step]) {
      this.#begin(step);
      const vertex = step.vertices[this.#part];
      if (vertex !== undefined) {
        if (!this.#tell(this.#of(vertex))) return;
        this.#part++;
        this.#said = 'step';
        continue;
      }
      if (step.vertices.length === 0 && !step.isFrom && this.#cached && this.#said === 'step') {
        this.#said = 'outcome';
        this.#stream(' ---> Using cache\n');
      }
      if (this.#step === this.#steps.length - 1) return;
      this.#end(step.id);
    }
  }

  #begin(step: PlannedStep): void {
    if (this.#said !== 'nothing') return;
    this.#said = 'step';
    this.#stream(`Step ${this.#step + 1}/${this.#steps.length} : ${step.code}\n`);
    if (step.isFrom) this.#cached = undefined;
    if (step.triggers > 0) this.#stream(`# Executing ${step.triggers} build trigger${step.triggers > 1 ? 's' : ''}\n`);
  }

  #end(id: string | undefined): void {
    if (id !== undefined) this.#stream(` ---> ${id}\n`);
    this.#step++;
    this.#part = 0;
    this.#said = 'nothing';
  }

  /** Whether that was all of it. */
  #tell(state: VertexState): boolean {
    if (state.process !== undefined && this.#said === 'step') {
      this.#said = 'outcome';
      this.#stream(` ---> Running in ${state.process}\n`);
    }
    if (state.text !== '') this.#stream(state.text);
    state.text = '';
    if (state.outcome === undefined) return false;
    this.#cached = state.outcome === 'cached' && this.#cached !== false;
    if (state.outcome === 'cached') this.#stream(' ---> Using cache\n');
    else if (state.process !== undefined) this.#stream(`Removing intermediate container ${state.process}\n`);
    return true;
  }

  /** A command's end with another code than 0; without output so far, what has been kept quiet comes first. */
  commandFailed(vertex: string, { args, exitCode }: CommandError): void {
    this.#skipTo(vertex);
    if (this.#quiet && this.#withheld !== '') this.#send({ stream: this.#withheld });
    const message = `The command '${args.join(' ')}' returned a non-zero code: ${exitCode}`;
    this.#send({ errorDetail: { code: exitCode, message }, error: message });
  }

  /** Steps before it that others of the same time have not let through yet are left out. */
  #skipTo(vertex: string): void {
    const failed = this.#steps.findIndex(({ vertices }) => vertices.includes(vertex));
    if (failed > this.#step) {
      this.#step = failed;
      this.#part = 0;
      this.#said = 'nothing';
    }
    const part = this.#steps[failed]?.vertices.indexOf(vertex) ?? 0;
    if (part > 0) this.#part = part;
    this.#advance();
  }

  done(id: Digest, names: readonly string[]): void {
    this.#end(shortId(id));
    this.#send({ aux: { ID: id } });
    if (this.#quiet) {
      this.#send({ stream: `${id}\n` });
      return;
    }
    this.#stream(`Successfully built ${shortId(id)}\n`);
    for (const name of names) this.#stream(`Successfully tagged ${name}\n`);
  }

  #stream(text: string): void {
    if (!this.#quiet) this.#send({ stream: text });
    else this.#withheld = (this.#withheld + text).slice(-withheldLimit);
  }
}
