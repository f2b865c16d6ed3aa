import { Duplex } from 'node:stream';
import { DetachFilter } from './detach-keys.ts';

/**
 * A client's view of a process's stdio: reading gives its output, writing goes through the detach filter. When the
 * keys are typed both directions end and `onDetach` is called; the process is not told.
 */
export function detachable(stdio: Duplex, keys: Buffer, onDetach: () => void): Duplex {
  const stdin = new DetachFilter(keys, () => {
    onDetach();
    client.push(null);
    client.destroy();
  });
  stdin.pipe(stdio);
  const client: Duplex = new Duplex({
    read: () => void stdio.resume(),
    write: (chunk: Buffer, encoding, done) => {
      if (stdin.write(chunk, encoding)) done();
      else stdin.once('drain', done);
    },
    final: (done) => void stdin.end(done),
    destroy: (error, done) => {
      stdin.destroy();
      stdio.destroy();
      done(error);
    },
  });
  stdio.on('data', (chunk: Buffer) => {
    if (!client.push(chunk)) stdio.pause();
  });
  stdio.on('end', () => void client.push(null));
  stdio.on('error', (error) => void client.destroy(error));
  return client;
}
