/** Where a command writes: standard output or standard error. */
export interface Output {
  /** Text, in order with all other writes. */
  print(text: string): void;
  /** Resolves when the reader has taken the bytes: the back-pressure of streams. */
  write(bytes: Uint8Array): Promise<void>;
  flush(): Promise<void>;
}

/** Raised when nobody reads the output any more, as after `| head`. */
export class BrokenPipe extends Error {
  override readonly name = 'BrokenPipe';
}

/** Bun's sink of a descriptor: process.stdout takes 9 ms to load, a third of a whole command. */
export class SinkOutput implements Output {
  readonly #file: Bun.BunFile;
  #opened: Bun.FileSink | undefined;
  #pending: Promise<void> = Promise.resolve();

  constructor(file: Bun.BunFile) {
    this.#file = file;
  }

  print(text: string): void {
    this.#pending = this.#send(text);
    // Reported by the next write or flush.
    this.#pending.catch(() => {});
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#pending;
    await this.#send(bytes);
  }

  async flush(): Promise<void> {
    await this.#pending;
  }

  // Both the write and the flush may answer with a promise of their own; each rejects when the reader is gone.
  async #send(content: string | Uint8Array): Promise<void> {
    const before = this.#pending;
    try {
      await Promise.all([this.#sink().write(content), this.#sink().flush()]);
    } catch (error) {
      throw error instanceof Error && 'code' in error && error.code === 'EPIPE' ? new BrokenPipe() : error;
    }
    await before;
  }

  #sink(): Bun.FileSink {
    this.#opened ??= this.#file.writer();
    return this.#opened;
  }
}

/** Keeps what is written, for tests. */
export class MemoryOutput implements Output {
  text = '';

  print(text: string): void {
    this.text += text;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.text += new TextDecoder().decode(bytes);
  }

  async flush(): Promise<void> {}
}
