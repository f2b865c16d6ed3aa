import type { ApiClient } from '@wharf/api/client/api-client';
import { terminalSize } from '../../terminal/terminal.ts';

/**
 * Gives a container's or exec's terminal the size of ours, now and whenever it changes. The process may not be there
 * yet, so the first time is tried again a few times. Returns the way to stop.
 */
export function followTerminalSize(client: ApiClient, path: string, descriptor: number): () => void {
  let stopped = false;
  const resize = async (): Promise<boolean> => {
    const size = terminalSize(descriptor);
    if (!size) return true;
    try {
      await client.call('POST', `${path}/resize`, { query: { h: size.rows, w: size.columns } });
      return true;
    } catch {
      return false;
    }
  };
  const first = async () => {
    for (let attempt = 1; attempt <= 10 && !stopped; attempt++) {
      if (await resize()) return;
      await Bun.sleep(attempt * 10);
    }
  };
  const changed = () => void resize();
  void first();
  process.on('SIGWINCH', changed);
  return () => {
    stopped = true;
    process.off('SIGWINCH', changed);
  };
}
