/** A stretch of a blob: bytes from `start` to `done` are here, those up to `end` are not. */
export interface Stretch {
  readonly start: number;
  end: number;
  done: number;
}

/** Which bytes of a blob have been fetched. Several connections may each work on a stretch. */
export class BlobRanges {
  readonly size: number;
  readonly #stretches: Stretch[];

  constructor(size: number, stretches: readonly Stretch[] = [{ start: 0, end: size, done: 0 }]) {
    this.size = size;
    this.#stretches = stretches.map((stretch) => ({ ...stretch }));
  }

  /** What `encode` wrote; a fresh start where that is missing or makes no sense for a file of so many bytes. */
  static restore(size: number, text: string | undefined, fileSize: number): BlobRanges {
    const stretches = text === undefined ? undefined : parse(text);
    if (!stretches) return new BlobRanges(size);
    let at = 0;
    for (const { start, end, done } of stretches) {
      if (start !== at || done < start || end < done || (done > fileSize && done > start)) return new BlobRanges(size);
      at = end;
    }
    return at === size ? new BlobRanges(size, stretches) : new BlobRanges(size);
  }

  encode(): string {
    return JSON.stringify(this.#stretches.map(({ start, end, done }) => [start, end, done]));
  }

  get unfinished(): Stretch[] {
    return this.#stretches.filter(({ done, end }) => done < end);
  }

  get isWhole(): boolean {
    return this.#stretches.every(({ done, end }) => done === end);
  }

  /** Bytes that are here. */
  get received(): number {
    return this.#stretches.reduce((sum, { start, done }) => sum + done - start, 0);
  }

  /** Bytes that are here from the first one on without a gap. */
  get contiguous(): number {
    for (const { done, end } of this.#stretches) if (done < end) return done;
    return this.size;
  }

  /** Cuts the longest rest in two, if each half is worth a connection: the second one is for somebody else. */
  split(minimum: number): Stretch | undefined {
    let longest: Stretch | undefined;
    for (const stretch of this.unfinished) {
      if (!longest || stretch.end - stretch.done > longest.end - longest.done) longest = stretch;
    }
    if (!longest || longest.end - longest.done < 2 * minimum) return undefined;
    const middle = longest.done + Math.ceil((longest.end - longest.done) / 2);
    const half = { start: middle, end: longest.end, done: middle };
    longest.end = middle;
    this.#stretches.splice(this.#stretches.indexOf(longest) + 1, 0, half);
    return half;
  }

  /** Only whole blobs can be had: what is not contiguous is forgotten. */
  forgetGaps(): void {
    const done = this.contiguous;
    this.#stretches.splice(0, this.#stretches.length, { start: 0, end: this.size, done });
  }
}

function parse(text: string): Stretch[] | undefined {
  try {
    const rows: unknown = JSON.parse(text);
    if (!Array.isArray(rows) || rows.length === 0) return undefined;
    return rows.map((row: unknown) => {
      const [start, end, done] = row as number[];
      if (![start, end, done].every(Number.isSafeInteger)) throw new Error('no stretch');
      return { start: start!, end: end!, done: done! };
    });
  } catch {
    return undefined;
  }
}
