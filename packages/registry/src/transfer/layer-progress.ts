import type { JsonMessage } from '@wharf/api/streams/json-message';
import { shortId } from '@wharf/base/id';
import type { Digest } from '@wharf/oci/digest';
import type { LayerState } from './fetch-layer.ts';

export type Progress = (message: JsonMessage) => void;

/** Between two messages about the same layer's bytes. */
const interval = 100;

/** Tells of a layer in Docker's words: clients and tests match on them. */
export class LayerProgress {
  readonly #id: string;
  readonly #size: number;
  readonly #progress: Progress;
  readonly #now: () => number;
  #said: LayerState['kind'] | undefined;
  #next = 0;

  constructor(
    { digest, size }: { digest: Digest; size: number },
    progress: Progress,
    now: () => number = () => performance.now(),
  ) {
    this.#id = shortId(digest);
    this.#size = size;
    this.#progress = progress;
    this.#now = now;
  }

  exists(): void {
    this.#say('Already exists');
  }

  begin(): void {
    this.#say('Pulling fs layer');
  }

  state(state: LayerState): void {
    const isNews = this.#said !== state.kind;
    this.#said = state.kind;
    switch (state.kind) {
      case 'waiting':
        this.#say('Waiting');
        return;
      case 'downloading':
        this.#bytes('Downloading', state.received, isNews);
        return;
      case 'retrying':
        this.#say(`Retrying in ${inSeconds(state.seconds)}`);
        return;
      case 'downloaded':
        this.#say('Verifying Checksum');
        this.#say('Download complete');
        return;
      case 'extracting':
        this.#bytes('Extracting', state.taken, isNews);
        return;
      case 'complete':
        this.#say('Pull complete');
        return;
    }
  }

  #bytes(status: string, current: number, isNews: boolean): void {
    const now = this.#now();
    if (!isNews && now < this.#next && current < this.#size) return;
    this.#next = now + interval;
    this.#progress({ status, progressDetail: { current, total: this.#size }, id: this.#id });
  }

  #say(status: string): void {
    this.#progress({ status, progressDetail: {}, id: this.#id });
  }
}

function inSeconds(seconds: number): string {
  const whole = Math.max(1, Math.round(seconds));
  return whole === 1 ? '1 second' : `${whole} seconds`;
}
