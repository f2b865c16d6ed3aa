import type { ApiClient } from '@wharf/api/client/api-client';
import { ResponseError } from '@wharf/api/client/response-error';
import type { Cli } from '../cli.ts';
import { ExitError } from '../exit-error.ts';

/** Asks for builds that were. Says what to do where the daemon is none that answers this. */
export async function askHistory<T>(cli: Cli, ask: (client: ApiClient) => Promise<T>): Promise<T> {
  try {
    return await ask(await cli.client());
  } catch (error) {
    if (!(error instanceof ResponseError) || error.message !== 'page not found') throw error;
    throw new ExitError(1, 'this daemon has no build history for wharf: "docker buildx history" may know its builds');
  }
}

/** Where a build is asked for; without a name it is the last one. */
export function buildPath(name: string, part = ''): string {
  return `/build/history/${encodeURIComponent(name === '' ? '^0' : name)}${part}`;
}
