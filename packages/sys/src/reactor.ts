import { drainMicrotasks } from 'bun:jsc';
import { check } from './errno.ts';
import { syscall } from './syscall.ts';

export const readable = 1;
export const writable = 4;
/** Reported whether asked for or not: an error, or the other end is gone. */
export const hangup = 8 | 16;

const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLL_CTL_MOD = 3;
const EPOLL_CLOEXEC = 0o2000000;
// struct epoll_event is packed on x86-64 only.
const eventSize = process.arch === 'x64' ? 12 : 16;
const dataOffset = eventSize - 8;
const batch = 256;

type Handler = (events: number) => void;

interface Watch {
  readonly generation: number;
  readonly handler: Handler;
  events: number;
}

export interface Timer {
  readonly due: number;
  readonly run: () => void;
}

/**
 * An event loop of our own on one thread: epoll_pwait(2), then the handlers, then the promises that they settled.
 * While it runs nothing of the runtime's event loop does: no timer, socket or child of the runtime's. In return a
 * descriptor costs one entry in a map, and nothing stands between the kernel and its handler.
 */
export class Reactor {
  readonly #epoll = check(syscall('epoll_create1', EPOLL_CLOEXEC), 'make an epoll set');
  readonly #watches = new Map<number, Watch>();
  readonly #event = Buffer.alloc(eventSize);
  readonly #events = Buffer.alloc(eventSize * batch);
  readonly #failed: (error: unknown) => void;
  #timers: Timer[] = [];
  #generation = 0;
  #stopped = false;

  /** `failed` hears of what a handler threw: one must not stop the others. */
  constructor(failed: (error: unknown) => void) {
    this.#failed = failed;
  }

  /** Calls `handler` whenever the descriptor is ready (level-triggered). `events` 0 leaves hang-ups only. */
  watch(fd: number, events: number, handler: Handler): void {
    this.#generation += 1;
    this.#watches.set(fd, { generation: this.#generation, handler, events });
    check(this.#control(EPOLL_CTL_ADD, fd, events, this.#generation), `watch descriptor ${fd}`);
  }

  change(fd: number, events: number): void {
    const watch = this.#watches.get(fd);
    if (!watch || watch.events === events) return;
    watch.events = events;
    check(this.#control(EPOLL_CTL_MOD, fd, events, watch.generation), `watch descriptor ${fd}`);
  }

  /** To be called before the descriptor is closed. */
  unwatch(fd: number): void {
    if (this.#watches.delete(fd)) this.#control(EPOLL_CTL_DEL, fd, 0, 0);
  }

  /** Runs once, `milliseconds` from now. */
  after(milliseconds: number, run: () => void): Timer {
    const timer = { due: performance.now() + milliseconds, run };
    const at = this.#timers.findIndex(({ due }) => due > timer.due);
    this.#timers.splice(at < 0 ? this.#timers.length : at, 0, timer);
    return timer;
  }

  cancel(timer: Timer): void {
    const at = this.#timers.indexOf(timer);
    if (at >= 0) this.#timers.splice(at, 1);
  }

  delay(milliseconds: number): Promise<void> {
    return new Promise((resolve) => this.after(milliseconds, resolve));
  }

  /** Serves until `stop`. */
  run(): void {
    drainMicrotasks();
    while (!this.#stopped) {
      const count = syscall('epoll_pwait', this.#epoll, this.#events, batch, this.#patience(), null, 8);
      for (let index = 0; index < count; index++) this.#dispatch(index * eventSize);
      this.#runTimers();
      drainMicrotasks();
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  #dispatch(at: number): void {
    const events = this.#events.readUInt32LE(at);
    const watch = this.#watches.get(this.#events.readInt32LE(at + dataOffset));
    // An earlier handler of this batch may have closed the descriptor, and the kernel given out its number anew.
    if (watch?.generation !== this.#events.readUInt32LE(at + dataOffset + 4)) return;
    this.#guard(() => watch.handler(events));
  }

  #runTimers(): void {
    const now = performance.now();
    while (this.#timers.length > 0 && this.#timers[0]!.due <= now) this.#guard(this.#timers.shift()!.run);
  }

  #guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#failed(error);
    }
  }

  #patience(): number {
    const next = this.#timers[0];
    return next ? Math.max(0, Math.ceil(next.due - performance.now())) : -1;
  }

  #control(operation: number, fd: number, events: number, generation: number): number {
    this.#event.writeUInt32LE(events, 0);
    this.#event.writeInt32LE(fd, dataOffset);
    this.#event.writeUInt32LE(generation >>> 0, dataOffset + 4);
    return syscall('epoll_ctl', this.#epoll, operation, fd, this.#event);
  }
}
