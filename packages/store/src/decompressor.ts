import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { Duplex, type Readable, type Writable } from 'node:stream';
import { EngineError } from '@wharf/base/error';
import { createInflater, type StreamCompression } from '@wharf/oci/layer/compression';

/** A stream that gives plain bytes for compressed ones. */
export function createDecompressor(compression: StreamCompression): Duplex {
  switch (compression) {
    case 'gzip':
    case 'zstd':
      return createInflater(compression);
    case 'bzip2':
    case 'xz':
      return new ProgramFilter(compression);
  }
}

/** bzip2 and xz are the host's programs' work, as dockerd does it for xz: archives in them are old and rare. */
class ProgramFilter extends Duplex {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  #done: ((error?: Error) => void) | undefined;

  constructor(program: 'bzip2' | 'xz') {
    super();
    this.#child = spawn(program, ['-d', '-c', '-q'], { stdio: ['pipe', 'pipe', 'ignore'] });
    const { stdin, stdout } = this.#child;
    this.#child.on('error', () => {
      const what = `cannot unpack a ${program} archive: install ${program} on the daemon's host`;
      this.destroy(new EngineError('not_implemented', what));
    });
    this.#child.on('close', (code) => {
      if (code !== 0) this.destroy(new EngineError('invalid_argument', `${program} ended with code ${code}`));
      else this.push(null);
      this.#done?.();
    });
    // The program says by its code what it could not read.
    stdin.on('error', () => {});
    stdout.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) stdout.pause();
    });
  }

  override _read(): void {
    this.#child.stdout.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    this.#child.stdin.write(chunk, () => done());
  }

  override _final(done: (error?: Error) => void): void {
    this.#done = done;
    this.#child.stdin.end();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#child.kill();
    done(error);
  }
}
