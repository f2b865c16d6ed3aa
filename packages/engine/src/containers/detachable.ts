import { Duplex, finished } from 'node:stream';
import { DetachFilter } from './detach-keys.ts';

/**
 * A client's view of a process's stdio: reading gives its output, writing goes through the detach filter. When the
 * keys are typed `onDetach` is called, what was typed before them is still passed on, and the client's output ends;
 * the process sees no end of its input.
 */
export function detachable(stdio: Duplex, keys: Buffer, onDetach: () => void): Duplex {
  let detached = false;
  const stdin = new DetachFilter(keys, () => {
    detached = true;
    onDetach();
  });
  stdin.pipe(stdio, { end: false });
  stdin.on('end', () => {
    if (!detached) {
      stdio.end();
      return;
    }
    client.push(null);
    stdio.write(Buffer.alloc(0), () => void stdio.destroy());
  });
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
    if (!detached && !client.push(chunk)) stdio.pause();
  });
  finished(stdio, { writable: false }, (error) => {
    if (detached) return;
    if (error) client.destroy(error);
    else client.push(null);
  });
  return client;
}
