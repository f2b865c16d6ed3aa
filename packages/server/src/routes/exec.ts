import { execCreateRequest, execStartRequest } from '@wharf/api/decode/exec';
import type { ExecStartRequest } from '@wharf/api/exec';
import { encodeFrame } from '@wharf/api/streams/stdcopy';
import { atLeast } from '@wharf/api/version';
import { EngineError } from '@wharf/base/error';
import type { Engine } from '@wharf/engine/engine';
import type { Context } from '../context.ts';
import { hijack, splice } from '../hijack.ts';
import { type Route, route } from '../router.ts';
import { windowSize } from './containers.ts';

export function execRoutes({ exec }: Pick<Engine, 'exec'>): Route[] {
  return [
    route('POST', '/containers/{id}/exec', async (context) => {
      const request = await context.requiredBody(execCreateRequest);
      if (!atLeast(context.version, 42)) request.ConsoleSize = null;
      context.json(201, await exec.create(context.parameters.id, request));
    }),
    route('POST', '/exec/{id}/start', start),
    route('POST', '/exec/{id}/resize', async (context) => {
      await exec.resize(context.parameters.id, windowSize(context.query));
      context.empty(200);
    }),
    route('GET', '/exec/{id}/json', async (context) => {
      context.json(200, await exec.inspect(context.parameters.id));
    }),
  ];

  async function start(context: Context<{ readonly id: string }>): Promise<void> {
    const request = await context.body(execStartRequest);
    const options = {
      detach: request.Detach,
      tty: request.Tty,
      ...(atLeast(context.version, 42) && request.ConsoleSize && { consoleSize: request.ConsoleSize }),
    };
    try {
      const attached = await exec.start(context.parameters.id, options);
      if (!attached) return context.empty(200);
      await splice(hijack(context, attached.tty), attached, context.header('user-agent'));
    } catch (error) {
      if (context.exchange.answered || !tellsInStream(request, error)) throw error;
      const { socket } = hijack(context, request.Tty);
      const message = `${EngineError.from(error).message}\r\n`;
      socket.end(request.Tty ? message : encodeFrame(1, message));
    }
  }
}

/** Docker has taken the connection over before it runs the program, so a program that cannot run is told there. */
function tellsInStream(request: ExecStartRequest, error: unknown): boolean {
  if (request.Detach || !(error instanceof EngineError)) return false;
  return error.reason === 'cmd_not_found' || error.reason === 'cmd_not_executable';
}
