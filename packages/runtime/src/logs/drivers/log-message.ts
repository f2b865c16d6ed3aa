import { parseLine } from '../decode-block.ts';
import type { LogStream } from '../json-file-writer.ts';
import { longestLine } from '../line-splitter.ts';

/** One line of a container as receivers get it: without its newline. */
export interface LogMessage {
  readonly stream: LogStream;
  /** RFC 3339 with nine digits of fraction. */
  readonly time: string;
  readonly line: Buffer;
  /** A piece of a line that is too long for one message. */
  readonly partial?: { readonly id: string; readonly ordinal: number; readonly last: boolean };
}

interface Begun {
  readonly id: string;
  ordinal: number;
}

/** A piece may be shorter than the limit by the bytes of a character that did not fit. */
const shortestPiece = longestLine - 3;
const newline = 10;

/** Makes messages of log lines in their order, and knows which of them belong together. */
export class MessageReader {
  readonly #begun: Partial<Record<LogStream, Begun>> = {};
  readonly #newId: () => string;

  /** `newId` names a long line. */
  constructor(newId: () => string) {
    this.#newId = newId;
  }

  /** Undefined for what is no line of a log. */
  read(text: string): LogMessage | undefined {
    const parsed = parseLine(text);
    if (!parsed) return undefined;
    const { stream, time, payload } = parsed;
    const whole = payload.at(-1) === newline;
    const line = whole ? payload.subarray(0, -1) : payload;
    const partial = this.#partial(stream, !whole && payload.length >= shortestPiece);
    return { stream, time, line, ...(partial && { partial }) };
  }

  #partial(stream: LogStream, continued: boolean): LogMessage['partial'] {
    const begun = this.#begun[stream];
    if (!begun && !continued) return undefined;
    const { id, ordinal } = begun ?? { id: this.#newId(), ordinal: 1 };
    if (continued) this.#begun[stream] = { id, ordinal: ordinal + 1 };
    else delete this.#begun[stream];
    return { id, ordinal, last: !continued };
  }
}
