import type { Timestamp } from '@bufbuild/protobuf/wkt';
import type { StatusResponse } from '@wharf/build/pb/control_pb';
import type { Output } from '../terminal/output.ts';
import type { ProgressDisplay } from './progress-display.ts';

/** One line of JSON for each message, with the fields that BuildKit's own client writes. */
export class RawDisplay implements ProgressDisplay {
  readonly #output: Output;

  constructor(output: Output) {
    this.#output = output;
  }

  add({ vertexes, statuses, logs, warnings }: StatusResponse): void {
    const status = {
      ...(vertexes.length > 0 && {
        vertexes: vertexes.map(({ digest, inputs, name, cached, started, completed, error }) => ({
          digest,
          ...(inputs.length > 0 && { inputs }),
          name,
          ...times(started, completed),
          ...(cached && { cached }),
          ...(error !== '' && { error }),
        })),
      }),
      ...(statuses.length > 0 && {
        statuses: statuses.map(({ ID, vertex, name, total, current, timestamp, started, completed }) => ({
          id: ID,
          vertex,
          ...(name !== '' && { name }),
          ...(total > 0n && { total: Number(total) }),
          current: Number(current),
          timestamp: formatTime(timestamp),
          ...times(started, completed),
        })),
      }),
      ...(logs.length > 0 && {
        logs: logs.map(({ vertex, stream, msg, timestamp }) => ({
          vertex,
          stream: Number(stream),
          data: Buffer.from(msg).toString('base64'),
          timestamp: formatTime(timestamp),
        })),
      }),
      ...(warnings.length > 0 && {
        warnings: warnings.map(({ vertex, level, short, detail, url }) => ({
          vertex,
          level: Number(level),
          short: Buffer.from(short).toString('base64'),
          detail: detail.map((line) => Buffer.from(line).toString('base64')),
          url,
        })),
      }),
    };
    if (Object.keys(status).length > 0) this.#output.print(`${JSON.stringify(status)}\n`);
  }

  end(): void {}
}

function times(started: Timestamp | undefined, completed: Timestamp | undefined) {
  return {
    ...(started && { started: formatTime(started) }),
    ...(completed && { completed: formatTime(completed) }),
  };
}

function formatTime(time: Timestamp | undefined): string {
  const { seconds = 0n, nanos = 0 } = time ?? {};
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  return `${whole}.${String(nanos).padStart(9, '0')}Z`;
}
