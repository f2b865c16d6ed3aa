import { atLeast, parseApiVersion } from '@wharf/api/version';
import type { Cli } from './cli.ts';
import { ExitError } from './exit-error.ts';

/** Ends the client where the daemon is too old for `what`, which it would leave out without a word. */
export async function requireVersion(cli: Cli, what: string, minor: number): Promise<void> {
  const complaint = await versionComplaint(cli, `"${what}"`, minor);
  if (complaint !== undefined) throw new ExitError(1, complaint);
}

/** The same for a whole command, such as `volume update`. */
export async function requireVersionOfCommand(cli: Cli, path: string, minor: number): Promise<void> {
  const complaint = await versionComplaint(cli, `wharf ${path}`, minor);
  if (complaint !== undefined) throw new ExitError(1, complaint);
}

/** Undefined where the daemon is new enough. */
export async function versionComplaint(cli: Cli, subject: string, minor: number): Promise<string | undefined> {
  const spoken = await (await cli.client()).version();
  const version = parseApiVersion(spoken);
  if (version && atLeast(version, minor)) return undefined;
  return `${subject} requires API version 1.${minor}, but the Docker daemon API version is ${spoken}`;
}
