import type { JsonMessage } from '@wharf/api/streams/json-message';
import { shortId } from '@wharf/base/id';
import type { Digest } from '@wharf/oci/digest';
import type { Progress } from './layer-progress.ts';

/** Between two messages about the same layer's bytes. */
const interval = 100;

/** Tells of a layer on its way out in Docker's words. */
export class PushProgress {
  readonly #id: string;
  readonly #progress: Progress;
  #next = 0;

  constructor(digest: Digest, progress: Progress) {
    this.#id = shortId(digest);
    this.#progress = progress;
    this.say('Preparing');
  }

  say(status: string): void {
    this.#progress({ status, progressDetail: {}, id: this.#id });
  }

  sent(current: number, total: number): void {
    const now = performance.now();
    if (now < this.#next && current < total) return;
    this.#next = now + interval;
    const message: JsonMessage = { status: 'Pushing', progressDetail: { current, total }, id: this.#id };
    this.#progress(message);
  }
}
