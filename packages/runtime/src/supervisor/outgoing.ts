import { sendDescriptor, wouldBlock, writeDescriptor } from '@wharf/sys/descriptor';

/** Bytes on their way into a non-blocking descriptor: written at once where it takes them, else kept in order. */
export class Outgoing {
  readonly fd: number;
  readonly #send: (fd: number, bytes: Uint8Array) => number;
  readonly #watch: (on: boolean) => void;
  readonly #drained: () => void;
  #queue: Uint8Array[] = [];
  #pending = 0;
  #broken = false;

  /** `watch` is told when the descriptor is to be watched for becoming writable, and when no longer; `drained` is called when all that was kept is gone. */
  constructor(fd: number, kind: 'socket' | 'file', watch: (on: boolean) => void, drained: () => void) {
    this.fd = fd;
    this.#send = kind === 'socket' ? sendDescriptor : writeDescriptor;
    this.#watch = watch;
    this.#drained = drained;
  }

  /** Bytes not taken yet. */
  get pending(): number {
    return this.#pending;
  }

  /** The reader is gone: what is written is dropped. */
  get broken(): boolean {
    return this.#broken;
  }

  /** What has not been taken, to go on from in another program. */
  get rest(): Buffer {
    return Buffer.concat(this.#queue);
  }

  /** The bytes may be reused by the caller afterwards. */
  write(bytes: Uint8Array): void {
    if (this.#broken) return;
    const taken = this.#pending > 0 ? 0 : this.#take(bytes);
    if (this.#broken || taken === bytes.length) return;
    if (this.#pending === 0) this.#watch(true);
    this.#queue.push(Uint8Array.prototype.slice.call(bytes, taken));
    this.#pending += bytes.length - taken;
  }

  /** To be called when the descriptor is writable. */
  flush(): void {
    while (this.#pending > 0 && !this.#broken) {
      const bytes = this.#queue[0]!;
      const taken = this.#take(bytes);
      this.#pending -= taken;
      if (taken < bytes.length) {
        this.#queue[0] = bytes.subarray(taken);
        if (!this.#broken) return;
      } else {
        this.#queue.shift();
      }
    }
    this.#watch(false);
    this.#drained();
  }

  #take(bytes: Uint8Array): number {
    const result = this.#send(this.fd, bytes);
    if (result >= 0) return result;
    if (result === wouldBlock) return 0;
    this.#broken = true;
    this.#queue = [];
    this.#pending = 0;
    return 0;
  }
}
