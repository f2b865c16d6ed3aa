import { ConnectionError, ResponseError } from '@wharf/api/client/response-error';

/** The words for people: what the daemon said is marked as such, as docker marks it. */
export function describeError(error: unknown): string {
  if (error instanceof ResponseError) return `Error response from daemon: ${error.message}`;
  return error instanceof Error ? error.message : String(error);
}

/** What to do next when no daemon answers. */
export function hintFor(error: unknown): string | undefined {
  if (!(error instanceof ConnectionError)) return undefined;
  if (error.message.startsWith('permission denied')) {
    return "Run the command as root, or add yourself to the group that owns the socket (see 'ls -l' of its path).";
  }
  if (error.message.startsWith('Cannot connect')) {
    return "Start a daemon with 'wharfd', or name the one to use with -H or DOCKER_HOST.";
  }
  return undefined;
}
