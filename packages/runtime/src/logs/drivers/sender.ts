import type { LogMessage } from './log-message.ts';

/** One receiver's wire. */
export interface Sender {
  /** Resolves when the receiver has them, as far as its protocol tells. Rejects if it cannot be reached. */
  send(messages: readonly LogMessage[]): Promise<void>;
  /** Milliseconds to wait after so many failures in a row, from 1 on; undefined gives the messages up. */
  patience(failures: number): number | undefined;
  close(): void;
}

const longestPatience = 5000;

/** Soon at first, then every few seconds, for as long as it takes. */
export function endlessPatience(failures: number): number {
  return Math.min(100 * 2 ** (failures - 1), longestPatience);
}
