import type { JsonMessage } from '@wharf/api/streams/json-message';
import { shortId } from '@wharf/base/id';
import type { Digest } from '@wharf/oci/digest';
import type { BuildEvent, VertexEvent } from '../solver/progress.ts';
import type { CommandError } from '../solver/solve-error.ts';

/** What a quiet build keeps to tell should it fail. Characters. */
const withheldLimit = 1 << 20;

/** Tells of a build as the classic builder does: a line for each step, and what its commands print. */
export class ClassicProgress {
  readonly #send: (message: JsonMessage) => void;
  readonly #quiet: boolean;
  readonly #steps = new Map<Digest, number>();
  readonly #total: () => number;
  #withheld = '';

  /** `total` is asked when the first step is told: the graph is known by then. */
  constructor(send: (message: JsonMessage) => void, { quiet, total }: { quiet: boolean; total: () => number }) {
    this.#send = send;
    this.#quiet = quiet;
    this.#total = total;
  }

  event(event: BuildEvent): void {
    if (event.kind === 'vertex') this.#vertex(event);
    else if (event.kind === 'log') this.#stream(Buffer.from(event.bytes).toString());
    else if (event.kind === 'warning') this.#stream(`[Warning] ${event.short}\n`);
  }

  #vertex({ digest, name, cached, completed, error }: VertexEvent): void {
    if (name.startsWith('[internal]')) return;
    if (!this.#steps.has(digest)) {
      this.#steps.set(digest, this.#steps.size + 1);
      this.#stream(`Step ${this.#steps.size}/${Math.max(this.#total(), this.#steps.size)} : ${instruction(name)}\n`);
    }
    if (completed === undefined || error !== undefined) return;
    if (cached) this.#stream(' ---> Using cache\n');
    this.#stream(` ---> ${shortId(digest)}\n`);
  }

  /** A command's end with another code than 0; without output so far, what has been kept quiet comes first. */
  commandFailed({ args, exitCode }: CommandError): void {
    if (this.#quiet && this.#withheld !== '') this.#send({ stream: this.#withheld });
    const message = `The command '${args.join(' ')}' returned a non-zero code: ${exitCode}`;
    this.#send({ errorDetail: { code: exitCode, message }, error: message });
  }

  done(id: Digest, names: readonly string[]): void {
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

/** `[build 2/3] RUN make` without its place: the classic builder counts all steps together. */
function instruction(name: string): string {
  return name.replace(/^\[[^\]]*\] /, '');
}
