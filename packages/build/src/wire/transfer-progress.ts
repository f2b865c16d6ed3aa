import { nowNanos } from '@wharf/base/timestamp';
import type { ProgressSink } from '../solver/progress.ts';
import type { ReceivedTree } from '../solver/session.ts';

const reportNanos = 100_000_000n;

/** Tells, as part of a vertex, how much of a client's directory has come while `receive` fills a tree. */
export async function withTransferProgress<T>(
  { name, vertex, emit }: { name: string; vertex: string; emit: ProgressSink },
  receive: (counted: (tree: ReceivedTree) => ReceivedTree) => Promise<T>,
): Promise<T> {
  const started = nowNanos();
  const id = `transferring ${name}:`;
  const status = { kind: 'status' as const, id, vertex, name: id, total: 0, started };
  let current = 0;
  let told = started;
  emit({ ...status, current, timestamp: started });
  const result = await receive((tree) => ({
    entry: (entry) => tree.entry(entry),
    write(path, bytes) {
      tree.write(path, bytes);
      current += bytes.length;
      const timestamp = nowNanos();
      if (timestamp - told < reportNanos) return;
      told = timestamp;
      emit({ ...status, current, timestamp });
    },
    endFile: (path) => tree.endFile(path),
    finish: () => tree.finish(),
  }));
  const completed = nowNanos();
  emit({ ...status, current, timestamp: completed, completed });
  return result;
}
