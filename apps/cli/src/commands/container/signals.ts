import type { ApiClient } from '@wharf/api/client/api-client';

// Without those that the client needs itself: CHLD, WINCH, PIPE.
const forwarded = [
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGTERM',
  'SIGUSR1',
  'SIGUSR2',
  'SIGALRM',
  'SIGCONT',
  'SIGTSTP',
  'SIGTTIN',
  'SIGTTOU',
] as const;

/** Hands every signal we get on to the container. Returns the way to stop. */
export function forwardSignals(client: ApiClient, id: string): () => void {
  const stops = forwarded.map((signal) => {
    const forward = () => {
      // A container that has just ended cannot be signalled: nothing to do about it.
      client.call('POST', `/containers/${id}/kill`, { query: { signal: signal.slice('SIG'.length) } }).catch(() => {});
    };
    process.on(signal, forward);
    return () => process.off(signal, forward);
  });
  return () => {
    for (const stop of stops) stop();
  };
}
