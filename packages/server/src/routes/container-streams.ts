import { encodeFrame, FrameDemuxer } from '@wharf/api/streams/stdcopy';
import { atLeast } from '@wharf/api/version';
import { invalidArgument } from '@wharf/base/error';
import type { AttachOptions, Engine, LogOptions, WaitCondition } from '@wharf/engine/engine';
import type { Context } from '../context.ts';
import { errorResponse } from '../error-response.ts';
import { hijack, splice, streamContentType } from '../hijack.ts';
import type { Query } from '../query.ts';
import { type Route, route } from '../router.ts';
import { sendReadable } from '../stream-response.ts';
import { acceptWebSocket } from '../websocket.ts';

interface WithId {
  readonly id: string;
}

export function containerStreamRoutes({ containers }: Pick<Engine, 'containers'>): Route[] {
  return [
    route('GET', '/containers/{id}/logs', sendLogs),
    route('POST', '/containers/{id}/attach', attach),
    route('GET', '/containers/{id}/attach/ws', attachWebSocket),
    route('POST', '/containers/{id}/wait', wait),
  ];

  async function sendLogs(context: Context<WithId>): Promise<void> {
    const { tty, stream } = await containers.logs(context.parameters.id, logOptions(context.query), context.signal);
    await sendReadable(context, stream, streamContentType(context.version, tty), (response, error) => {
      const message = `Error grabbing logs: ${errorResponse(error).body.message}\n`;
      response.write(tty ? message : encodeFrame(2, message));
      response.end();
    });
  }

  async function attach(context: Context<WithId>): Promise<void> {
    const attached = await containers.attach(context.parameters.id, attachOptions(context.query));
    await splice(hijack(context, attached.tty), attached, context.header('user-agent'));
  }

  /** Frames of a WebSocket carry plain output, never multiplexed. */
  async function attachWebSocket(context: Context<WithId>): Promise<void> {
    const { query, version } = context;
    const options = attachOptions(query);
    // Before 1.42 the selectors were not looked at.
    const selected = atLeast(version, 42) ? options : { ...options, stdin: true, stdout: true, stderr: true };
    const webSocket = acceptWebSocket(context);
    const attached = await containers.attach(context.parameters.id, selected);
    const demuxer = new FrameDemuxer((_stream, payload) => webSocket.send(payload));
    await webSocket.open(attached.stream, attached.tty ? webSocket.send : (chunk) => demuxer.push(chunk));
  }

  /** The headers leave when the wait is armed, so that a client may start the container then. */
  async function wait(context: Context<WithId>): Promise<void> {
    const { exited } = await containers.wait(context.parameters.id, waitCondition(context), context.signal);
    if (!atLeast(context.version, 30)) {
      context.json(200, await exited);
      return;
    }
    const response = context.startStream('application/json');
    try {
      response.write(`${JSON.stringify(await exited)}\n`);
      response.end();
    } catch (error) {
      response.destroy();
      throw error;
    }
  }
}

function waitCondition<P>({ query, version }: Context<P>): WaitCondition {
  const condition = query.text('condition');
  if (condition === '' || !atLeast(version, 30)) return 'not-running';
  if (condition === 'not-running' || condition === 'next-exit' || condition === 'removed') return condition;
  if (!atLeast(version, 42)) return 'not-running';
  throw invalidArgument(`invalid condition: ${JSON.stringify(condition)}`);
}

function logOptions(query: Query): LogOptions {
  const stdout = query.boolean('stdout');
  const stderr = query.boolean('stderr');
  if (!stdout && !stderr) throw invalidArgument('Bad parameters: you must choose at least one stream');
  return {
    follow: query.boolean('follow'),
    stdout,
    stderr,
    since: query.pointInTime('since') ?? 0,
    until: query.pointInTime('until') ?? 0,
    timestamps: query.boolean('timestamps'),
    details: query.boolean('details'),
    tail: tail(query.text('tail')),
  };
}

/** Docker reads what is not a number as all. */
function tail(text: string): number {
  return /^\d{1,15}$/.test(text) ? Number(text) : -1;
}

function attachOptions(query: Query): AttachOptions {
  return {
    stdin: query.boolean('stdin'),
    stdout: query.boolean('stdout'),
    stderr: query.boolean('stderr'),
    stream: query.boolean('stream'),
    logs: query.boolean('logs'),
    detachKeys: query.text('detachKeys') || undefined,
  };
}
