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
  #pending: Promise<unknown> = Promise.resolve();

  constructor(file: Bun.BunFile) {
    this.#file = file;
  }

  print(text: string): void {
    this.#sink().write(text);
    this.#flushSoon();
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#pending;
    try {
      this.#sink().write(bytes);
      await this.#sink().flush();
    } catch (error) {
      throw translated(error);
    }
  }

  async flush(): Promise<void> {
    await this.#pending;
    try {
      await this.#opened?.flush();
    } catch (error) {
      throw translated(error);
    }
  }

  #sink(): Bun.FileSink {
    this.#opened ??= this.#file.writer();
    return this.#opened;
  }

  #flushSoon(): void {
    const flushed = this.#sink().flush();
    if (typeof flushed === 'object') {
      this.#pending = Promise.resolve(flushed).catch((error: unknown) => {
        throw translated(error);
      });
      this.#pending.catch(() => {});
    }
  }
}

function translated(error: unknown): unknown {
  return error instanceof Error && 'code' in error && error.code === 'EPIPE' ? new BrokenPipe() : error;
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
