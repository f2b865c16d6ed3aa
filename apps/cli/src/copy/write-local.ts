import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  futimesSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import type { TarEntry } from '@wharf/oci/layer/tar-header';
import { TarReader } from '@wharf/oci/layer/tar-reader';
import { ExitError } from '../exit-error.ts';

const slash = Buffer.from('/');

/**
 * Unpacks an archive that came from a container, which may be hostile: no name leads out of the directory, and no
 * link below it is ever followed, whether this archive brought it or it was there before. Answers the bytes of files.
 */
export async function unpackLocal(
  archive: AsyncIterable<Uint8Array>,
  directory: string,
  rename: (name: string) => string,
): Promise<number> {
  const unpacker = new LocalUnpacker(directory, rename);
  try {
    for await (const chunk of archive) {
      unpacker.reader.feed(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    }
    unpacker.reader.end();
    unpacker.finish();
  } finally {
    unpacker.close();
  }
  return unpacker.bytes;
}

class LocalUnpacker {
  readonly reader: TarReader;
  bytes = 0;
  readonly #directory: Buffer;
  readonly #rename: (name: string) => string;
  readonly #directoryTimes = new Map<string, { path: Buffer; entry: TarEntry }>();
  #fd = -1;
  #entry: TarEntry | undefined;

  constructor(directory: string, rename: (name: string) => string) {
    this.#directory = Buffer.from(directory);
    this.#rename = rename;
    this.reader = new TarReader({
      entry: (entry) => this.#enter(entry),
      data: (bytes, offset) => this.#write(bytes, offset),
      endEntry: () => this.#endFile(),
    });
  }

  /** What is made in a directory changes its time and may need its permissions: they come last. */
  finish(): void {
    for (const { path, entry } of [...this.#directoryTimes.values()].reverse()) {
      chmodSync(path, entry.mode);
      utimesSync(path, seconds(entry), seconds(entry));
    }
  }

  close(): void {
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = -1;
  }

  #enter(entry: TarEntry): void {
    const names = this.#names(entry.name);
    const path = this.#path(names);
    if (names.length === 0) return;
    this.#makeParents(names);
    if (this.#isKept(path, entry)) {
      this.#directoryTimes.set(names.join('/'), { path, entry });
      return;
    }
    switch (entry.type) {
      case 'file': {
        const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
        this.#fd = openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
        this.#entry = entry;
        return;
      }
      case 'directory':
        mkdirSync(path, { mode: 0o700 });
        this.#directoryTimes.set(names.join('/'), { path, entry });
        return;
      case 'symlink':
        symlinkSync(Buffer.from(entry.linkName, 'latin1'), path);
        lutimesSync(path, seconds(entry), seconds(entry));
        return;
      case 'link': {
        const target = this.#names(entry.linkName);
        this.#makeParents(target);
        linkSync(this.#path(target), path);
        return;
      }
      case 'character':
      case 'block':
      case 'fifo':
        throw new ExitError(1, `cannot copy ${shown(entry.name)}: it is a device or a pipe; use - to get the archive`);
    }
  }

  #write(bytes: Buffer, offset: number): void {
    if (this.#fd < 0) return;
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(this.#fd, bytes, done, bytes.length - done, offset + done);
    }
    this.bytes += bytes.length;
  }

  #endFile(): void {
    const entry = this.#entry;
    if (this.#fd < 0 || !entry) return;
    fchmodSync(this.#fd, entry.mode);
    futimesSync(this.#fd, seconds(entry), seconds(entry));
    this.close();
    this.#entry = undefined;
  }

  /** True for a directory that is there and stays; a file in the way is removed, anything else is refused. */
  #isKept(path: Buffer, entry: TarEntry): boolean {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (!stat) return false;
    if (stat.isDirectory() && entry.type === 'directory') return true;
    if (stat.isDirectory() || entry.type === 'directory') {
      const [before, after] = stat.isDirectory() ? ['directory', 'non-directory'] : ['non-directory', 'directory'];
      throw new ExitError(1, `cannot overwrite ${before} "${path}" with ${after} "${this.#directory}"`);
    }
    rmSync(path.toString());
    return false;
  }

  #makeParents(names: readonly string[]): void {
    for (let depth = 1; depth < names.length; depth++) {
      const path = this.#path(names.slice(0, depth));
      const stat = lstatSync(path, { throwIfNoEntry: false });
      if (!stat) mkdirSync(path, { mode: 0o755 });
      else if (!stat.isDirectory()) throw new ExitError(1, `cannot copy through ${path}: not a directory`);
    }
  }

  #names(name: string): string[] {
    const names: string[] = [];
    for (const part of this.#rename(name).split('/')) {
      if (part === '' || part === '.') continue;
      if (part === '..') throw new ExitError(1, `invalid archive: "${shown(name)}" is outside of "${this.#directory}"`);
      names.push(part);
    }
    return names;
  }

  #path(names: readonly string[]): Buffer {
    return Buffer.concat([this.#directory, ...names.flatMap((name) => [slash, Buffer.from(name, 'latin1')])]);
  }
}

function seconds({ mtime }: TarEntry): number {
  return Number(mtime) / 1e9;
}

function shown(name: string): string {
  return Buffer.from(name, 'latin1').toString();
}
