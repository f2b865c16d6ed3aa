import { renameSync, rmSync } from 'node:fs';

/** Writes a file that is there only when it is complete: half an archive must not be taken for one. */
export async function writeWhole(path: string, body: AsyncIterable<Uint8Array>): Promise<void> {
  const temporary = `${path}.partial${process.pid}`;
  const sink = Bun.file(temporary).writer();
  try {
    for await (const chunk of body) {
      sink.write(chunk);
      await sink.flush();
    }
    await sink.end();
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
