/** Part of a pattern: one letter, any number of letters, or any number of whole directories. */
export type WildcardToken =
  | { readonly kind: 'one' | 'many'; readonly accepts: (letter: string) => boolean }
  | { readonly kind: 'directories' };

/**
 * A pattern that people or images bring along. Regular expressions try every way to divide a text among several stars,
 * which a hostile pattern makes endless; this follows all ways at once: letters times tokens is what it costs at most.
 */
export class Wildcard {
  readonly #states: State[] = [];
  readonly #length: number;

  constructor(tokens: readonly WildcardToken[]) {
    for (const token of tokens) {
      const here = this.#states.length;
      if (token.kind === 'one') this.#states.push({ accepts: token.accepts, to: here + 1, skips: [] });
      else if (token.kind === 'many') this.#states.push({ accepts: token.accepts, to: here, skips: [here + 1] });
      else {
        // Nothing at all, or anything up to a slash.
        this.#states.push({ accepts: () => false, to: here, skips: [here + 1, here + 3] });
        this.#states.push({ accepts: () => true, to: here + 1, skips: [here + 2] });
        this.#states.push({ accepts: (letter) => letter === '/', to: here + 3, skips: [] });
      }
    }
    this.#length = this.#states.length;
  }

  /** Whether all of the text fits. */
  test(text: string): boolean {
    const letters = [...text];
    return this.ends(letters, 0).longest === letters.length;
  }

  /** Where what fits from `start` on may end: -1 where nothing does. */
  ends(letters: readonly string[], start: number): { readonly shortest: number; readonly longest: number } {
    let current = new Set<number>();
    this.#enter(current, 0);
    let shortest = -1;
    let longest = -1;
    for (let at = start; ; at++) {
      if (current.has(this.#length)) {
        longest = at;
        if (shortest < 0) shortest = at;
      }
      const letter = letters[at];
      if (letter === undefined || current.size === 0) return { shortest, longest };
      const next = new Set<number>();
      for (const index of current) {
        const state = this.#states[index];
        if (state?.accepts(letter)) this.#enter(next, state.to);
      }
      current = next;
    }
  }

  /** For each place of a text whether something that begins there fits. */
  starts(letters: readonly string[]): boolean[] {
    const found: boolean[] = [];
    let after: boolean[] = [];
    for (let at = letters.length; at >= 0; at--) {
      const here: boolean[] = [];
      here[this.#length] = true;
      for (let index = this.#length - 1; index >= 0; index--) {
        const { accepts, to, skips } = this.#states[index]!;
        const letter = letters[at];
        const consumed = letter !== undefined && after[to] === true && accepts(letter);
        here[index] = consumed || skips.some((skip) => here[skip] === true);
      }
      found[at] = here[0] === true;
      after = here;
    }
    return found;
  }

  #enter(states: Set<number>, index: number): void {
    if (states.has(index)) return;
    states.add(index);
    for (const skip of this.#states[index]?.skips ?? []) this.#enter(states, skip);
  }
}

interface State {
  readonly accepts: (letter: string) => boolean;
  /** Where an accepted letter leads. */
  readonly to: number;
  /** States that are entered with this one. */
  readonly skips: readonly number[];
}
