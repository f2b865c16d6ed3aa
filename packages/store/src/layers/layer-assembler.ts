import { closeSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError } from '@wharf/base/error';
import type { ByteString } from '@wharf/oci/layer/tar-header';
import { check, errnoText } from '@wharf/sys/errno';
import { O_NOFOLLOW, O_RDONLY, openDirectory, readAt, tryOpenBelow } from '@wharf/sys/file';
import { cString } from '@wharf/sys/syscall';
import type { LayerParts } from './layer-job.ts';
import type { Replacement } from './layer-tree.ts';
import { type FileRange, readRecipe } from './recipe.ts';

const chunkSize = 1 << 20;

/**
 * Makes a layer's tar again from its directory and recipe, in chunks of about 1 MB that the caller may keep. Who
 * reads them compares their digest with the layer's: a file changed on disk must not go unnoticed.
 */
export function* assembleLayer({ layer, tar }: LayerParts): Generator<Buffer> {
  const replacements = readReplacements(tar);
  const diff = openDirectory(cString(layer));
  const replaced = replacements.size > 0 ? openDirectory(cString(join(tar, 'replaced'))) : -1;
  let out = Buffer.allocUnsafeSlow(chunkSize);
  let filled = 0;
  let ordinal = 0;
  try {
    for (const { raw, file } of readRecipe(join(tar, 'recipe'))) {
      for (let done = 0; done < raw.length; ) {
        const count = raw.copy(out, filled, done);
        done += count;
        filled += count;
        if (filled < chunkSize) continue;
        yield out;
        out = Buffer.allocUnsafeSlow(chunkSize);
        filled = 0;
      }
      if (!file) continue;
      ordinal++;
      const fd = openContent(file.path, ordinal, { diff, replaced, replacements });
      try {
        for (let done = 0; done < file.length; ) {
          const room = out.subarray(filled, Math.min(chunkSize, filled + file.length - done));
          const count = readAt(fd, room, file.offset + done);
          if (count === 0) throw damaged(file);
          done += count;
          filled += count;
          if (filled < chunkSize) continue;
          yield out;
          out = Buffer.allocUnsafeSlow(chunkSize);
          filled = 0;
        }
      } finally {
        closeSync(fd);
      }
    }
    if (filled > 0) yield out.subarray(0, filled);
  } finally {
    closeSync(diff);
    if (replaced >= 0) closeSync(replaced);
  }
}

interface Places {
  readonly diff: number;
  readonly replaced: number;
  /** By path, in the order they happened. */
  readonly replacements: ReadonlyMap<ByteString, readonly Replacement[]>;
}

function openContent(path: ByteString, ordinal: number, { diff, replaced, replacements }: Places): number {
  const moved = replacements.size > 0 ? firstMove(path, ordinal, replacements) : undefined;
  const root = moved ? replaced : diff;
  const below = moved ? moved.as + path.slice(moved.path.length) : path;
  const fd = tryOpenBelow(root, cString(Buffer.from(below, 'latin1')), O_RDONLY | O_NOFOLLOW);
  if (fd < 0) throw damaged({ path }, errnoText(String(fd)));
  return check(fd, 'open');
}

/** The first time that the file, or a directory above it, was moved away after this step. */
function firstMove(path: ByteString, ordinal: number, replacements: Places['replacements']): Replacement | undefined {
  let first: Replacement | undefined;
  for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) {
    const move = replacements.get(path.slice(0, end))?.find(({ files }) => files >= ordinal);
    if (move && (!first || Number(move.as) < Number(first.as))) first = move;
  }
  return first;
}

function damaged({ path }: Pick<FileRange, 'path'>, cause?: string): EngineError {
  const name = JSON.stringify(Buffer.from(path, 'latin1').toString());
  return new EngineError('data_loss', `layer content is damaged: file ${name} is missing or cut short`, { cause });
}

function readReplacements(directory: string): Places['replacements'] {
  const path = join(directory, 'replaced.json');
  if (!existsSync(path)) return new Map();
  return Map.groupBy(JSON.parse(readFileSync(path, 'utf8')) as Replacement[], (replacement) => replacement.path);
}
