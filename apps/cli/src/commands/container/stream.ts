import type { Hijacked } from '@wharf/api/client/api-client';
import type { Duplex } from '@wharf/api/client/duplex';
import { FrameDemuxer, type StdStream } from '@wharf/api/streams/stdcopy';
import type { Cli } from '../../cli.ts';
import { DetachKeyFilter, defaultDetachKeys, parseDetachKeys } from '../../terminal/detach-keys.ts';
import { enterRawMode, isTerminal } from '../../terminal/terminal.ts';

export interface StreamOptions {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** The container's side is a terminal: bytes come raw. */
  readonly tty: boolean;
  /** '' is the default. */
  readonly detachKeys: string;
}

/** How a stream came to its end. */
export type StreamEnd = 'closed' | 'detached';

/** Copies both ways until the far side ends or the detach keys are pressed. */
export async function streamContainer(cli: Cli, { stream }: Hijacked, options: StreamOptions): Promise<StreamEnd> {
  const raw = options.stdin && options.tty && isTerminal(0);
  const restore = raw ? enterRawMode(0) : () => {};
  const stopGuarding = raw ? guardTerminal(restore) : () => {};
  try {
    const output = copyOutput(cli, stream, options);
    const input = options.stdin ? copyInput(stream, options) : Promise.resolve<StreamEnd>('closed');
    // Only detaching ends the session from this side: an input that is used up leaves the output running.
    return await Promise.race([output, input.then((end) => (end === 'detached' ? end : output))]);
  } finally {
    restore();
    stopGuarding();
    stream.close();
  }
}

// A signal that nobody handles would end us with the terminal still raw.
function guardTerminal(restore: () => void): () => void {
  const stops = (
    [
      ['SIGTERM', 15],
      ['SIGHUP', 1],
      ['SIGINT', 2],
      ['SIGQUIT', 3],
    ] as const
  )
    .filter(([signal]) => process.listenerCount(signal) === 0)
    .map(([signal, number]) => {
      const end = () => {
        restore();
        process.exit(128 + number);
      };
      process.on(signal, end);
      return () => process.off(signal, end);
    });
  return () => {
    for (const stop of stops) stop();
  };
}

async function copyOutput(cli: Cli, stream: Duplex, { tty, stdout, stderr }: StreamOptions): Promise<StreamEnd> {
  if (!stdout && !stderr) {
    for (let chunk = await stream.read(); chunk !== null; chunk = await stream.read());
    return 'closed';
  }
  if (tty) {
    for (let chunk = await stream.read(); chunk !== null; chunk = await stream.read()) await cli.out.write(chunk);
    return 'closed';
  }
  await copyFrames(cli, readAll(stream));
  return 'closed';
}

async function* readAll(stream: Duplex): AsyncGenerator<Uint8Array> {
  for (let chunk = await stream.read(); chunk !== null; chunk = await stream.read()) yield chunk;
}

/** Takes a multiplexed stream apart onto standard output and standard error, no faster than they are read. */
export async function copyFrames(cli: Cli, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const pieces: [stream: StdStream, payload: Uint8Array][] = [];
  const demuxer = new FrameDemuxer((stream, payload) => void pieces.push([stream, payload]));
  for await (const chunk of chunks) {
    demuxer.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    for (const [stream, payload] of pieces.splice(0)) {
      if (stream === 3) throw new Error(`error from daemon in stream: ${new TextDecoder().decode(payload)}`);
      await (stream === 2 ? cli.err : cli.out).write(payload);
    }
  }
}

async function copyInput(stream: Duplex, { tty, detachKeys }: StreamOptions): Promise<StreamEnd> {
  const filter = tty ? new DetachKeyFilter(parseDetachKeys(detachKeys || defaultDetachKeys)) : undefined;
  try {
    for await (const chunk of Bun.stdin.stream()) {
      if (!filter) {
        await stream.write(chunk);
        continue;
      }
      const { pass, detached } = filter.push(chunk);
      if (pass.length > 0) await stream.write(pass);
      if (detached) return 'detached';
    }
    await stream.closeWrite();
  } catch {
    // The far side reads no more; what it still has to say is being read.
  }
  return 'closed';
}
