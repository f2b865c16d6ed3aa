import { Duplex, finished, type Readable } from 'node:stream';

/** A stream that a client may read, and whose input nobody wants. */
export function outputOnly(source: Readable): Duplex {
  const duplex: Duplex = new Duplex({
    read: () => void source.resume(),
    write: (_chunk, _encoding, done) => done(),
    destroy: (error, done) => {
      source.destroy();
      done(error);
    },
  });
  source.pause();
  source.on('data', (chunk: Buffer) => {
    if (!duplex.push(chunk)) source.pause();
  });
  finished(source, { writable: false }, (error) => {
    if (error) duplex.destroy(error);
    else duplex.push(null);
  });
  return duplex;
}
