import { ExitError } from '../../exit-error.ts';

/** The file's bytes as they are read; ends the client where there is none. */
export async function readFile(path: string): Promise<AsyncIterable<Uint8Array>> {
  const file = Bun.file(path);
  let directory: boolean;
  try {
    directory = (await file.stat()).isDirectory();
  } catch {
    throw new ExitError(1, `open ${path}: no such file or directory`);
  }
  if (directory) throw new ExitError(1, `read ${path}: is a directory`);
  return file.stream();
}
