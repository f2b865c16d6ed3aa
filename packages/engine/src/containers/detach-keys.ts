import { Transform, type TransformCallback } from 'node:stream';
import { invalidArgument } from '@wharf/base/error';

const defaultKeys = 'ctrl-p,ctrl-q';

/** `ctrl-p,ctrl-q` or `a,ctrl-\\` to the bytes a terminal sends. Throws on a key that is neither. */
export function parseDetachKeys(text: string | undefined): Buffer {
  const keys = (text || defaultKeys).split(',');
  return Buffer.from(keys.map(parseKey));
}

function parseKey(key: string): number {
  if (key.length === 1) return key.charCodeAt(0);
  const control = /^ctrl-([a-z@[\\\]^_])$/.exec(key)?.[1];
  if (control === undefined) throw invalidArgument(`Unknown character: '${key}'`);
  return control === '@' ? 0 : control.toUpperCase().charCodeAt(0) - 64;
}

/**
 * Passes stdin's bytes on, and calls back and ends when the detach sequence was typed; it never reaches the program. Keys that began the sequence and did not end it are passed on late, as Docker does.
 */
export class DetachFilter extends Transform {
  readonly #keys: Buffer;
  readonly #onDetach: () => void;
  #matched = 0;
  #detached = false;

  constructor(keys: Buffer, onDetach: () => void) {
    super();
    this.#keys = keys;
    this.#onDetach = onDetach;
  }

  override _transform(chunk: Buffer, _encoding: string, done: TransformCallback): void {
    if (this.#detached) {
      done();
      return;
    }
    const out: Buffer[] = [];
    let from = 0;
    for (let at = 0; at < chunk.length; at++) {
      if (chunk[at] === this.#keys[this.#matched]) {
        if (this.#matched === 0) out.push(chunk.subarray(from, at));
        from = at + 1;
        this.#matched += 1;
        if (this.#matched < this.#keys.length) continue;
        this.#matched = 0;
        this.#detached = true;
        this.#onDetach();
        done(null, Buffer.concat(out));
        this.push(null);
        return;
      }
      if (this.#matched === 0) continue;
      out.push(this.#keys.subarray(0, this.#matched));
      this.#matched = 0;
      from = at;
      at -= 1;
    }
    if (this.#matched === 0) out.push(chunk.subarray(from));
    done(null, Buffer.concat(out));
  }

  override _flush(done: TransformCallback): void {
    if (this.#detached) done();
    else done(null, this.#keys.subarray(0, this.#matched));
  }
}
