import { randomBytes } from 'node:crypto';
import { nowNanos } from '@wharf/base/timestamp';
import { digestOf } from '@wharf/oci/digest-of';
import type { ProgressSink } from '../solver/progress.ts';
import type { BuildOutput, ExportClient, ExportContext, ExportDeps, ExportResponse } from './build-output.ts';
import { exportArchive } from './export-archive.ts';
import { exportImage } from './export-image.ts';
import { exportTree } from './export-tree.ts';
import type { Output } from './output.ts';

export interface ExportRun {
  readonly deps: ExportDeps;
  readonly build: BuildOutput;
  readonly client: ExportClient;
  readonly signal: AbortSignal;
  readonly emit: ProgressSink;
}

/** Exports a build one way after another, and shows each as a step of it. Answers what all of them tell. */
export async function runExporters(outputs: readonly Output[], run: ExportRun): Promise<ExportResponse> {
  const response: ExportResponse = {};
  for (const [id, output] of outputs.entries()) {
    if (output.kind === 'cacheonly') continue;
    Object.assign(
      response,
      await shown(nameOf(output), run.emit, (step) => {
        const { deps, build, client, signal } = run;
        return runExporter({ id, deps, build, client, signal, step }, output);
      }),
    );
  }
  return response;
}

function runExporter(context: ExportContext, output: Exclude<Output, { kind: 'cacheonly' }>): Promise<ExportResponse> {
  switch (output.kind) {
    case 'image':
      return exportImage(context, output);
    case 'archive':
      return exportArchive(context, output);
    case 'tree':
      return exportTree(context, output);
  }
}

/** BuildKit's words. */
function nameOf(output: Exclude<Output, { kind: 'cacheonly' }>): string {
  switch (output.kind) {
    case 'image':
      return 'exporting to image';
    case 'archive':
      return `exporting to ${output.type} image format`;
    case 'tree':
      return output.tar ? 'exporting to client tarball' : 'exporting to client directory';
  }
}

/** Runs a body as a step of the build, which itself has named parts. */
export async function shown<T>(
  name: string,
  emit: ProgressSink,
  body: (step: ExportContext['step']) => Promise<T>,
): Promise<T> {
  const digest = digestOf(randomBytes(16));
  const vertex = { kind: 'vertex' as const, digest, inputs: [], name, cached: false };
  const started = nowNanos();
  emit({ ...vertex, started });
  const step: ExportContext['step'] = async (part, work) => {
    const begun = nowNanos();
    const status = { kind: 'status' as const, id: part, vertex: digest, name: part, current: 0, total: 0 };
    emit({ ...status, timestamp: begun, started: begun });
    const result = await work();
    const timestamp = nowNanos();
    emit({ ...status, timestamp, started: begun, completed: timestamp });
    return result;
  };
  try {
    const result = await body(step);
    emit({ ...vertex, started, completed: nowNanos() });
    return result;
  } catch (error) {
    emit({ ...vertex, started, completed: nowNanos(), error: (error as Error).message });
    throw error;
  }
}
