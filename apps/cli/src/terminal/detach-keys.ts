import { UsageError } from '../flags/usage-error.ts';

export const defaultDetachKeys = 'ctrl-p,ctrl-q';

/** The bytes of `ctrl-p,ctrl-q`, `a`, `ctrl-@`. Throws for keys that do not exist. */
export function parseDetachKeys(text: string): Uint8Array {
  return Uint8Array.from(text.split(','), (key) => {
    if (/^[\x20-\x7e]$/.test(key)) return key.charCodeAt(0);
    const control = /^ctrl-([a-z@[\\\]^_])$/.exec(key)?.[1];
    if (control === undefined) throw new UsageError(`Unknown character: '${key}'`);
    return control === '@' ? 0 : control.charCodeAt(0) & 0x1f;
  });
}

/** Finds the keys in what is typed, across reads; keys that only began the sequence are handed on. */
export class DetachKeyFilter {
  readonly #keys: Uint8Array;
  #matched = 0;

  constructor(keys: Uint8Array) {
    this.#keys = keys;
  }

  /** What may be sent on, and whether the sequence is complete. */
  push(typed: Uint8Array): { readonly pass: Uint8Array; readonly detached: boolean } {
    if (this.#keys.length === 0) return { pass: typed, detached: false };
    const pass: number[] = [];
    for (const byte of typed) {
      if (byte === this.#keys[this.#matched]) {
        this.#matched++;
        if (this.#matched === this.#keys.length) return { pass: Uint8Array.from(pass), detached: true };
        continue;
      }
      pass.push(...this.#keys.subarray(0, this.#matched));
      this.#matched = 0;
      if (byte === this.#keys[0]) this.#matched = 1;
      else pass.push(byte);
    }
    return { pass: Uint8Array.from(pass), detached: false };
  }
}
