import { closeSync } from 'node:fs';
import { check } from './errno.ts';
import { cString, syscall } from './syscall.ts';

// inotify(7)
const IN_NONBLOCK = 0o4000;
const IN_CLOEXEC = 0o2000000;
const IN_MODIFY = 0x2;
const IN_MOVED_FROM = 0x40;
const IN_MOVED_TO = 0x80;
const IN_CREATE = 0x100;
const IN_DELETE = 0x200;
const IN_Q_OVERFLOW = 0x4000;
const watched = IN_MODIFY | IN_MOVED_FROM | IN_MOVED_TO | IN_CREATE | IN_DELETE;
/** Bytes of a struct inotify_event before the name. */
const eventHeader = 16;

type Listener = (name: string | undefined) => void;

/** One for the whole process: a user has but 128 of them. */
let shared: Watches | undefined;

/**
 * Calls `changed` with the name of whatever in the directory is written, made, renamed or removed; with undefined where
 * that is not known. The events come by the runtime's own loop: node:fs' watch has a thread between, which waits for a
 * processor where many want one. Throws SystemError:
 * ENOENT, ENOSPC where the user watches too much already.
 */
export function watchDirectory(path: string, changed: Listener): Disposable {
  shared ??= new Watches();
  return shared.add(path, changed);
}

class Watches {
  readonly #fd = check(syscall('inotify_init1', IN_NONBLOCK | IN_CLOEXEC), 'watch directories');
  readonly #reader = Bun.file(this.#fd).stream().getReader();
  readonly #listeners = new Map<number, Set<Listener>>();

  constructor() {
    this.#read().catch(() => {});
  }

  add(path: string, changed: Listener): Disposable {
    const result = syscall('inotify_add_watch', this.#fd, cString(path), watched);
    if (result < 0) this.#closeIfIdle();
    const watch = check(result, `watch ${path}`);
    // The kernel gives the same number for the same directory.
    const listeners = this.#listeners.get(watch) ?? new Set();
    const own: Listener = (name) => changed(name);
    this.#listeners.set(watch, listeners.add(own));
    return {
      [Symbol.dispose]: () => {
        if (!listeners.delete(own) || listeners.size > 0) return;
        this.#listeners.delete(watch);
        syscall('inotify_rm_watch', this.#fd, watch);
        this.#closeIfIdle();
      },
    };
  }

  #closeIfIdle(): void {
    if (this.#listeners.size > 0) return;
    if (shared === this) shared = undefined;
    // The stream reads a duplicate.
    void this.#reader.cancel().catch(() => {});
    closeSync(this.#fd);
  }

  async #read(): Promise<void> {
    for (;;) {
      const { done, value } = await this.#reader.read();
      if (done) return;
      this.#tell(Buffer.from(value.buffer, value.byteOffset, value.length));
    }
  }

  #tell(events: Buffer): void {
    for (let at = 0; at + eventHeader <= events.length; ) {
      const length = events.readUInt32LE(at + 12);
      const name = events.toString('utf8', at + eventHeader, at + eventHeader + length).replace(/\0+$/, '');
      const isLost = (events.readUInt32LE(at + 4) & IN_Q_OVERFLOW) !== 0;
      const told = isLost ? [...this.#listeners.values()] : [this.#listeners.get(events.readInt32LE(at))];
      for (const listener of told.flatMap((listeners) => [...(listeners ?? [])])) listener(isLost ? undefined : name);
      at += eventHeader + length;
    }
  }
}
