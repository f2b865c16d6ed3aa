import { atLeast, parseApiVersion } from '@wharf/api/version';
import type { Cli } from './cli.ts';
import { ExitError } from './exit-error.ts';

/** Ends the client where the daemon is too old for `what`, which it would leave out without a word. */
export async function requireVersion(cli: Cli, what: string, minor: number): Promise<void> {
  const spoken = await (await cli.client()).version();
  const version = parseApiVersion(spoken);
  if (version && atLeast(version, minor)) return;
  throw new ExitError(1, `"${what}" requires API version 1.${minor}, but the Docker daemon API version is ${spoken}`);
}
