import type { Engine, EngineName } from '../engines/engine.ts';

/** What one engine reached, or undefined where it cannot do it. */
export type Values = Partial<Record<EngineName, number>>;

export interface Figure {
  readonly name: string;
  readonly unit: 'ms' | 'CPU ms' | 'CPU s' | 'MB' | 'MB/s' | 'Gbit/s' | '/s' | 'x';
  readonly values: Values;
  /** The promise of SPECIFICATION.md and whether these values keep it. */
  readonly promise?: { readonly text: string; readonly kept: boolean };
}

export interface Bench {
  readonly engines: readonly Engine[];
  /** Fewer rounds: for a look, not for a statement. */
  readonly quick: boolean;
  /** How many containers run for the figures about many. */
  readonly crowd: number;
}

/** A group of figures that `--only` names. */
export type Measure = (bench: Bench) => Promise<Figure[]>;

/**
 * Runs `body` for each engine in turn, `rounds` times, so that a change of the machine's speed hits all alike. Each
 * round begins with another engine: none of them always comes after the same one, nor twice in a row.
 */
export async function inTurn(
  engines: readonly Engine[],
  rounds: number,
  body: (engine: Engine) => Promise<number>,
): Promise<Record<string, number[]>> {
  const values: Record<string, number[]> = Object.fromEntries(engines.map(({ name }) => [name, []]));
  for (const engine of engines) await body(engine);
  for (let round = 0; round < rounds; round++) {
    const first = round % engines.length;
    for (const engine of [...engines.slice(first), ...engines.slice(0, first)]) {
      values[engine.name]!.push(await body(engine));
    }
  }
  return values;
}

export function atMost(values: Values, share: number, of: EngineName): { text: string; kept: boolean } {
  const reference = values[of];
  const text = `at most ${share < 1 ? `1/${Math.round(1 / share)}` : share} of ${of}`;
  return { text, kept: values.wharfd !== undefined && reference !== undefined && values.wharfd <= reference * share };
}

export function atLeast(values: Values, times: number, of: EngineName): { text: string; kept: boolean } {
  const reference = values[of];
  const text = `at least ${times} times ${of}`;
  return { text, kept: values.wharfd !== undefined && reference !== undefined && values.wharfd >= reference * times };
}

export function below(value: number | undefined, limit: number, unit: string): { text: string; kept: boolean } {
  return { text: `below ${limit} ${unit}`, kept: value !== undefined && value < limit };
}

export function both(...promises: readonly { text: string; kept: boolean }[]): { text: string; kept: boolean } {
  return { text: promises.map(({ text }) => text).join(', '), kept: promises.every(({ kept }) => kept) };
}

/** No slower than either of the others. */
export function best(values: Values): { text: string; kept: boolean } {
  return both(atLeast(values, 1, 'dockerd'), atLeast(values, 1, 'podman'));
}
