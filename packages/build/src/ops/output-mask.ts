/** Shorter values are in too much that is no secret. Bytes. */
const shortestSecret = 6;
const mask = Buffer.from('****');

/** Keeps secrets out of what a command prints, also where a value comes in pieces. */
export class OutputMask {
  readonly #secrets: readonly Buffer[];
  /** By stream: what may be the beginning of a secret. */
  readonly #held = new Map<number, Buffer>();

  constructor(values: Iterable<Uint8Array>) {
    const texts = [...values].map((value) => trimmed(value)).filter(({ length }) => length >= shortestSecret);
    this.#secrets = texts.sort((a, b) => b.length - a.length);
  }

  /** What can be told by now. */
  push(stream: number, bytes: Uint8Array): Buffer {
    if (this.#secrets.length === 0) return Buffer.from(bytes);
    const text = this.#masked(Buffer.concat([this.#held.get(stream) ?? Buffer.alloc(0), bytes]));
    const kept = this.#unfinished(text);
    this.#held.set(stream, text.subarray(text.length - kept));
    return text.subarray(0, text.length - kept);
  }

  /** What was held back, by stream. */
  end(): [stream: number, bytes: Buffer][] {
    const rest = [...this.#held].filter(([, bytes]) => bytes.length > 0);
    this.#held.clear();
    return rest;
  }

  #masked(text: Buffer): Buffer {
    const parts: Buffer[] = [];
    let from = 0;
    for (;;) {
      let at = -1;
      let length = 0;
      for (const secret of this.#secrets) {
        const found = text.indexOf(secret, from);
        if (found < 0 || (at >= 0 && found >= at)) continue;
        at = found;
        length = secret.length;
      }
      if (at < 0) break;
      parts.push(text.subarray(from, at), mask);
      from = at + length;
    }
    return parts.length === 0 ? text : Buffer.concat([...parts, text.subarray(from)]);
  }

  /** Bytes at the end that a secret begins with. */
  #unfinished(text: Buffer): number {
    let longest = 0;
    for (const secret of this.#secrets) {
      for (let length = Math.min(secret.length - 1, text.length); length > longest; length--) {
        if (text.subarray(text.length - length).equals(secret.subarray(0, length))) longest = length;
      }
    }
    return longest;
  }
}

/** Without the line's end that files have and that nobody prints. */
function trimmed(value: Uint8Array): Buffer {
  let end = value.length;
  while (end > 0 && (value[end - 1] === 0x0a || value[end - 1] === 0x0d)) end--;
  return Buffer.from(value.subarray(0, end));
}
