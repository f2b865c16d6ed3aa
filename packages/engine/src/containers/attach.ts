import { Duplex, Readable } from 'node:stream';
import { encodeFrame } from '@wharf/api/streams/stdcopy';
import { conflict } from '@wharf/base/error';
import type { LogJoint } from '@wharf/runtime/supervisor/supervisor';
import type { AttachedStream, AttachOptions } from '../engine.ts';
import type { ContainerDeps } from '../engine-deps.ts';
import type { ContainerRecord } from './container-record.ts';
import { parseDetachKeys } from './detach-keys.ts';
import { detachable } from './detachable.ts';
import { logsOf } from './logs.ts';
import { outputOnly } from './output-only.ts';
import { publishContainer } from './publish.ts';

type AttachDeps = Pick<ContainerDeps, 'containers' | 'supervisor' | 'events' | 'waits'>;

/** Also before the start: then output begins with the first byte. */
export async function attachContainer(
  deps: AttachDeps,
  idOrName: string,
  options: AttachOptions,
): Promise<AttachedStream> {
  const keys = parseDetachKeys(options.detachKeys);
  const record = deps.containers.find(idOrName);
  requireAttachable(record, idOrName);
  const tty = record.config.Tty;
  const live = options.stream ? await liveStream(deps, record, options, keys) : undefined;
  const { joint } = live ?? {};
  publishContainer(deps.events, record, 'attach');
  if (!options.logs) return { tty, stream: live?.stream ?? outputOnly(Readable.from([])) };
  const past = await logsOf(deps, record, {
    stdout: options.stdout,
    stderr: options.stderr,
    follow: false,
    since: 0,
    until: 0,
    timestamps: false,
    details: false,
    tail: -1,
    ...(joint && { lastTime: joint.at }),
  });
  if (!live) return { tty, stream: outputOnly(past) };
  return { tty, stream: replayThenLive(past, joint ? unfinished(joint, options, tty) : [], live.stream) };
}

function requireAttachable({ state }: ContainerRecord, idOrName: string): void {
  if (state.status === 'paused') {
    throw conflict(`container ${idOrName} is paused. Unpause the container before attach`);
  }
  if (state.status === 'restarting') {
    throw conflict(`container ${idOrName} is restarting. Wait until the container is running before attach`);
  }
}

async function liveStream(
  { supervisor, events, containers }: AttachDeps,
  record: ContainerRecord,
  { stdin, stdout, stderr }: AttachOptions,
  keys: Buffer,
): Promise<{ stream: Duplex; joint: LogJoint | undefined }> {
  const wantsStdin = stdin && record.config.OpenStdin;
  const { stream: stdio, joint } = await supervisor.attachWithLog(record.id, { stdin: wantsStdin, stdout, stderr });
  // As in Docker, keys are looked for on a terminal's stdin only; elsewhere the bytes are data.
  if (!wantsStdin || !record.config.Tty) return { stream: stdio, joint };
  const stream = detachable(stdio, keys, () => {
    publishContainer(events, containers.get(record.id) ?? record, 'detach');
  });
  return { stream, joint };
}

/** Lines that have begun are not in the log, and their beginnings not in the live stream: a prompt, for example. */
function unfinished({ unfinished: begun }: LogJoint, wanted: AttachOptions, tty: boolean): Buffer[] {
  return (['stdout', 'stderr'] as const).flatMap((stream) => {
    const bytes = Buffer.from(wanted[stream] ? begun[stream] : '', 'latin1');
    if (bytes.length === 0) return [];
    return [tty ? bytes : encodeFrame(stream === 'stdout' ? 1 : 2, bytes)];
  });
}

/**
 * The log's bytes first; what arrives meanwhile waits in the live stream. So does stdin: what a program answers to
 * it would otherwise be read from the log and from the stream.
 */
function replayThenLive(past: Readable, begun: readonly Buffer[], live: Duplex): Duplex {
  const { promise: replayed, resolve: finishReplay } = Promise.withResolvers<void>();
  async function* output(): AsyncGenerator<Buffer> {
    yield* past;
    yield* begun;
    finishReplay();
    yield* live;
  }
  const source = Readable.from(output());
  const client = new Duplex({
    allowHalfOpen: true,
    read: () => void source.resume(),
    write: (chunk, encoding, done) => void replayed.then(() => live.write(chunk, encoding, done)),
    final: (done) => void replayed.then(() => live.end(done)),
    destroy: (error, done) => {
      finishReplay();
      source.destroy();
      past.destroy();
      live.destroy();
      done(error);
    },
  });
  source.on('data', (chunk: Buffer) => {
    if (!client.push(chunk)) source.pause();
  });
  source.on('end', () => void client.push(null));
  source.on('error', (error) => void client.destroy(error));
  return client;
}
