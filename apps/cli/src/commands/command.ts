import type { Cli } from '../cli.ts';
import type { CompletionKind, Values } from '../flags/flag.ts';
import type { FlagSet } from '../flags/parse.ts';

/** How many positional arguments a command takes. */
export interface Arity {
  readonly min: number;
  readonly max: number;
}

export const noArgs: Arity = { min: 0, max: 0 };
export function exactly(count: number): Arity {
  return { min: count, max: count };
}
export function atLeast(min: number): Arity {
  return { min, max: Number.POSITIVE_INFINITY };
}
export function atMost(max: number): Arity {
  return { min: 0, max };
}

export interface Command<F extends FlagSet = FlagSet> {
  /** What follows the command's name in its usage line. */
  readonly usage: string;
  readonly flags: F;
  readonly args: Arity;
  /** False where everything after the first argument belongs to the container's command. */
  readonly interspersed?: boolean;
  /** What to offer for the positional arguments; the last kind repeats. */
  readonly complete?: readonly CompletionKind[];
  /** More of help, between the summary and the options. */
  readonly details?: string;
  /** Answers `--help` in place of the text that is made of all this. Resolves with the exit code. */
  help?(): Promise<number>;
  /** Resolves with the exit code; undefined is 0. Throws what the daemon or the command line got wrong. */
  run(cli: Cli, flags: Values<F>, args: readonly string[]): Promise<number | undefined> | Promise<void>;
}

/** Ties the types of a command's flags to its `run`. */
export function defineCommand<F extends FlagSet>(command: Command<F>): Command<F> {
  return command;
}
