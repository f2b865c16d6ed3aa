import type { Timestamp } from '@bufbuild/protobuf/wkt';
import type { BuildStatus } from '@wharf/api/build-history';
import { formatNanos } from '@wharf/base/timestamp';
import type { StatusResponse } from '../pb/control_pb.ts';
import type { BuildHistory } from './build-history.ts';

/** What the progress of a build showed, or shows to its end, as buildx's `--progress rawjson` has it. */
export async function* shownProgress(
  history: BuildHistory,
  ref: string,
  signal: AbortSignal,
): AsyncGenerator<BuildStatus, void, undefined> {
  for await (const status of history.progress(ref, signal)) yield statusJson(status);
}

function statusJson({ vertexes, statuses, logs, warnings }: StatusResponse): BuildStatus {
  return {
    ...(vertexes.length > 0 && {
      vertexes: vertexes.map(({ digest, inputs, name, cached, error, ...when }) => ({
        digest,
        ...(inputs.length > 0 && { inputs }),
        name,
        ...times(when),
        ...(cached && { cached }),
        ...(error !== '' && { error }),
      })),
    }),
    ...(statuses.length > 0 && {
      statuses: statuses.map(({ ID: id, vertex, name, total, current, timestamp, ...when }) => ({
        id,
        vertex,
        ...(name !== '' && { name }),
        ...(total > 0n && { total: Number(total) }),
        current: Number(current),
        ...(timestamp && { timestamp: format(timestamp) }),
        ...times(when),
      })),
    }),
    ...(logs.length > 0 && {
      logs: logs.map(({ vertex, stream, msg, timestamp }) => ({
        vertex,
        stream: Number(stream),
        data: base64(msg),
        ...(timestamp && { timestamp: format(timestamp) }),
      })),
    }),
    ...(warnings.length > 0 && {
      warnings: warnings.map(({ vertex, level, short, detail, url }) => ({
        vertex,
        level: Number(level),
        short: base64(short),
        detail: detail.map(base64),
        ...(url !== '' && { url }),
      })),
    }),
  };
}

interface Times {
  readonly started?: Timestamp | undefined;
  readonly completed?: Timestamp | undefined;
}

function times({ started, completed }: Times) {
  return { ...(started && { started: format(started) }), ...(completed && { completed: format(completed) }) };
}

function format({ seconds, nanos }: Timestamp): string {
  return formatNanos(seconds * 1_000_000_000n + BigInt(nanos));
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
