/** dockerd's Copier: what is longer without a newline is logged in pieces. SURFACE: lines over 16 KiB split. */
export const longestLine = 16 * 1024;

/** Whole lines and pieces of too long ones, as latin1; a piece has no newline of its own. */
export interface LineSink {
  /** Lines separated by \n, without the last one's newline. */
  lines(text: string): void;
  piece(text: string): void;
}

/** Cuts a byte stream (latin1) into lines, keeping the begun one for the next chunk. */
export class LineSplitter {
  readonly #sink: LineSink;
  #begun: string;

  constructor(sink: LineSink, begun = '') {
    this.#sink = sink;
    this.#begun = begun;
  }

  /** What has been seen of the line that has not ended. */
  get begun(): string {
    return this.#begun;
  }

  push(chunk: string): void {
    const text = this.#begun === '' ? chunk : this.#begun + chunk;
    const end = text.lastIndexOf('\n');
    if (end >= 0) this.#emit(text.slice(0, end));
    this.#begun = this.#keep(text.slice(end + 1));
  }

  /** The stream has ended: an unfinished line is logged as it is. */
  end(): void {
    if (this.#begun !== '') this.#sink.piece(this.#begun);
    this.#begun = '';
  }

  #emit(text: string): void {
    let from = 0;
    for (let at = 0; text.length - at > longestLine; ) {
      const newline = text.lastIndexOf('\n', at + longestLine);
      if (newline >= at) {
        at = newline + 1;
        continue;
      }
      if (at > from) this.#sink.lines(text.slice(from, at - 1));
      const cut = at + pieceLength(text, at);
      this.#sink.piece(text.slice(at, cut));
      at = from = cut;
    }
    this.#sink.lines(text.slice(from));
  }

  #keep(rest: string): string {
    let at = 0;
    while (rest.length - at > longestLine) {
      const cut = at + pieceLength(rest, at);
      this.#sink.piece(rest.slice(at, cut));
      at = cut;
    }
    // A slice pins the whole chunk that it was cut from: keep a copy of these few bytes.
    return at === rest.length ? '' : Buffer.from(rest.slice(at), 'latin1').toString('latin1');
  }
}

/** At most `longestLine` bytes, not ending inside a UTF-8 sequence. */
function pieceLength(text: string, at: number): number {
  let length = longestLine;
  for (let back = 0; back < 3 && isContinuation(text.charCodeAt(at + length)); back++) length -= 1;
  return isContinuation(text.charCodeAt(at + length)) ? longestLine : length;
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}
