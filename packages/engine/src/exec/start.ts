import { Readable } from 'node:stream';
import { encodeFrame } from '@wharf/api/streams/stdcopy';
import { conflict, EngineError } from '@wharf/base/error';
import { rootFiles } from '@wharf/runtime/spec/root-files';
import { createExecProcess } from '@wharf/runtime/spec/spec';
import { resolveUser } from '@wharf/runtime/spec/user';
import { isAlive } from '@wharf/sys/process-state';
import { notRunning } from '../containers/container-errors.ts';
import type { ContainerRecord } from '../containers/container-record.ts';
import { notAllowed, requireAllowed } from '../containers/container-state.ts';
import { parseDetachKeys } from '../containers/detach-keys.ts';
import { detachable } from '../containers/detachable.ts';
import { linkedEnvironment } from '../containers/links.ts';
import { outputOnly } from '../containers/output-only.ts';
import { publishContainer } from '../containers/publish.ts';
import { ownerOf } from '../containers/remapped.ts';
import type { AttachedStream } from '../engine.ts';
import type { ContainerDeps } from '../engine-deps.ts';
import { runtimeOf } from '../engine-runtime.ts';
import type { ExecRecord } from './exec-record.ts';
import { finishExec } from './finish.ts';

export interface ExecStartOptions {
  readonly detach: boolean;
  readonly tty: boolean;
  readonly consoleSize?: readonly [height: number, width: number];
}

/**
 * Runs an exec. Its output is attached before it runs, so that none is missed. As in Docker a client that attaches
 * reads why it failed from the stream, one that does not gets the error itself.
 */
export async function startExec(
  deps: ContainerDeps,
  execId: string,
  options: ExecStartOptions,
): Promise<AttachedStream | undefined> {
  const { execs, containers, supervisor, events } = deps;
  const exec = execs.find(execId);
  const container = containers.find(exec.containerId);
  requireAllowed('exec', container);
  if (exec.status === 'exited') throw conflict(`exec command ${execId} has already run`);
  if (exec.status !== 'created') throw conflict(`exec command ${execId} is already running`);
  execs.put({ ...exec, status: 'starting' });
  const { AttachStdin: stdin, AttachStdout: stdout, AttachStderr: stderr, Tty: tty, Cmd, DetachKeys } = exec.request;
  const stdio = options.detach ? undefined : await supervisor.attach(container.id, execId, { stdin, stdout, stderr });
  const exited = execs.exitOf(exec.id);
  publishContainer(events, container, `exec_start: ${(Cmd ?? []).join(' ')}`, { execID: execId });
  try {
    await run(deps, exec, container, options);
  } catch (error) {
    stdio?.destroy();
    if (!stdio) throw error;
    return { tty, stream: outputOnly(Readable.from([lastWords(tty, EngineError.from(error).message)])) };
  }
  if (!stdio || !tty || !stdin) return stdio && { tty, stream: stdio, ended: exited };
  const { promise: detached, resolve: detach } = Promise.withResolvers<void>();
  const stream = detachable(stdio, parseDetachKeys(DetachKeys), () => {
    detach();
    publishContainer(events, containers.get(container.id) ?? container, 'exec_detach', { execID: execId });
  });
  return { tty, stream, ended: Promise.race([exited, detached]) };
}

function lastWords(tty: boolean, message: string): Buffer {
  const text = `${message}\r\n`;
  return tty ? Buffer.from(text) : encodeFrame(1, text);
}

async function run(
  deps: ContainerDeps,
  exec: ExecRecord,
  container: ContainerRecord,
  options: ExecStartOptions,
): Promise<void> {
  const { execs, supervisor, fault } = deps;
  try {
    fault('exec.process');
    const { pid } = await supervisor.exec(execProcess(deps, exec, container, options));
    fault('exec.record');
    const now = execs.get(exec.id);
    if (now?.status === 'starting') execs.put({ ...now, status: 'running', pid });
  } catch (thrown) {
    const error = whyNot(deps, container, EngineError.from(thrown));
    finishExec(deps, exec.id, failureExitCode(error));
    throw error;
  }
}

/** A container that ended or was paused meanwhile is a better reason than what the runtime makes of it. */
function whyNot({ containers }: ContainerDeps, { id, state }: ContainerRecord, error: EngineError): EngineError {
  const now = containers.get(id);
  if (!now || now.state.pid !== state.pid || !isAlive(state.pid)) return notRunning(id);
  return now.state.status === 'paused' ? notAllowed('exec', now) : error;
}

function execProcess(
  deps: ContainerDeps,
  { id, request }: ExecRecord,
  container: ContainerRecord,
  { consoleSize = request.ConsoleSize ?? undefined, detach }: ExecStartOptions,
) {
  const { id: containerId, config, hostConfig, state } = container;
  const runtime = runtimeOf(deps, hostConfig.Runtime);
  const files = rootFiles(`/proc/${state.pid}/root`);
  const size = request.Tty && consoleSize && consoleSize[0] > 0 ? consoleSize : undefined;
  const process = createExecProcess(
    {
      config,
      hostConfig,
      args: request.Cmd ?? [],
      env: request.Env,
      workingDir: request.WorkingDir,
      tty: request.Tty,
      consoleSize: size ?? null,
      privileged: request.Privileged,
      user: resolveUser(files, request.User || config.User, hostConfig.GroupAdd),
      linkedEnvironment: linkedEnvironment(deps, container),
    },
    runtime.host,
  );
  const io = {
    tty: request.Tty,
    stdin: request.AttachStdin && !detach,
    stdinOnce: true,
    ...ownerOf(deps.config, hostConfig),
    ...(size && { size: { rows: size[0], columns: size[1] } }),
  };
  return { id: containerId, execId: id, runtime: runtime.command, process, io };
}

function failureExitCode({ reason }: EngineError): number {
  if (reason === 'cmd_not_found') return 127;
  return 126;
}
