import { closeSync, openSync, readSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError } from '@wharf/base/error';

/** In order of preference: Docker's own name, then the packages of distributions. */
const names = ['docker-init', 'tini-static', 'catatonit', 'tini'];

/**
 * The small init that `--init` puts in front of the program: it must be static, since the image brings no libraries
 * for it. Throws what dockerd says where there is none.
 */
export function findInitBinary(directories: readonly string[]): string {
  for (const name of names) {
    for (const directory of directories) {
      const path = join(directory, name);
      if (isStaticElf(path)) return realpathSync(path);
    }
  }
  throw new EngineError('internal', 'exec: "docker-init": executable file not found in $PATH');
}

/** elf(5): a program without PT_INTERP needs no loader. Only 64-bit little-endian files, which all our hosts use. */
function isStaticElf(path: string): boolean {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return false;
  }
  try {
    const header = Buffer.alloc(4096);
    const length = readSync(fd, header, 0, header.length, 0);
    if (length < 64 || header.readUInt32BE(0) !== 0x7f454c46 || header[4] !== 2) return false;
    const programHeaders = Number(header.readBigUInt64LE(32));
    const size = header.readUInt16LE(54);
    const count = header.readUInt16LE(56);
    for (let i = 0; i < count; i++) {
      const at = programHeaders + i * size;
      const PT_INTERP = 3;
      if (at + 4 > length || header.readUInt32LE(at) === PT_INTERP) return false;
    }
    return true;
  } finally {
    closeSync(fd);
  }
}
