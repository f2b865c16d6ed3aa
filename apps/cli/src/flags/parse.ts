import { changedFlags, type Flag, type Values } from './flag.ts';
import { UsageError } from './usage-error.ts';

// biome-ignore lint/suspicious/noExplicitAny: a set of flags of unlike types
export type FlagSet = Readonly<Record<string, Flag<any>>>;

export interface ParsedLine<F extends FlagSet> {
  readonly values: Values<F>;
  readonly positional: readonly string[];
}

/**
 * Reads a command line as pflag does. With `interspersed` false the first positional argument ends the flags, as in
 * `run IMAGE --not-ours`. Throws UsageError with pflag's texts.
 */
export function parseFlags<F extends FlagSet>(
  flags: F,
  args: readonly string[],
  { interspersed = true }: { interspersed?: boolean } = {},
): ParsedLine<F> {
  const values = new Map<string, unknown>();
  const changed = new Set<string>();
  for (const [name, flag] of Object.entries(flags)) values.set(name, flag.initial);
  const positional: string[] = [];
  const rest = [...args];

  function set(name: string, text: string): void {
    const flag = flags[name];
    if (!flag) return;
    try {
      values.set(name, flag.accept(values.get(name), text));
    } catch (error) {
      const shown = flag.short ? `-${flag.short}, --${name}` : `--${name}`;
      const reason = error instanceof Error ? error.message : String(error);
      throw new UsageError(`invalid argument ${JSON.stringify(text)} for "${shown}" flag: ${reason}`);
    }
    changed.add(name);
  }

  function long(argument: string): void {
    const [name, given] = cut(argument.slice(2), '=');
    if (name === '' || name.startsWith('-')) throw new UsageError(`bad flag syntax: ${argument}`);
    const flag = Object.hasOwn(flags, name) ? flags[name] : undefined;
    if (!flag) throw new UsageError(`unknown flag: --${name}`);
    const value = given ?? flag.bare ?? rest.shift();
    if (value === undefined) throw new UsageError(`flag needs an argument: --${name}`);
    set(name, value);
  }

  function shorts(argument: string): void {
    for (let letters = argument.slice(1); letters !== ''; ) {
      const letter = letters[0] ?? '';
      const name = Object.keys(flags).find((candidate) => flags[candidate]?.short === letter);
      if (name === undefined) throw new UsageError(`unknown shorthand flag: '${letter}' in -${letters}`);
      const after = letters.slice(1);
      const bare = flags[name]?.bare;
      if (after.startsWith('=')) {
        set(name, after.slice(1));
        return;
      }
      if (bare !== undefined) {
        set(name, bare);
        letters = after;
        continue;
      }
      const value = after === '' ? rest.shift() : after;
      if (value === undefined) throw new UsageError(`flag needs an argument: '${letter}' in -${letters}`);
      set(name, value);
      return;
    }
  }

  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    if (argument === '--') {
      positional.push(...rest);
      break;
    }
    if (argument.startsWith('--')) long(argument);
    else if (argument.startsWith('-') && argument !== '-') shorts(argument);
    else {
      positional.push(argument);
      if (!interspersed) {
        positional.push(...rest);
        break;
      }
    }
  }
  // Object.fromEntries loses the types that `flags` carries.
  return { values: Object.assign(Object.fromEntries(values), { [changedFlags]: changed }) as Values<F>, positional };
}

/** Splits at the first separator; the second part is undefined without one. */
export function cut(text: string, separator: string): [before: string, after: string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)];
}
