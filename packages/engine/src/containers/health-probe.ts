import { finished } from 'node:stream';
import type { HealthcheckResult } from '@wharf/api/container';
import { FrameDemuxer } from '@wharf/api/streams/stdcopy';
import { timestamp } from '@wharf/base/timestamp';
import type { ContainerDeps } from '../engine-deps.ts';
import { createExec } from '../exec/create.ts';
import { startExec } from '../exec/start.ts';
import type { ContainerRecord } from './container-record.ts';
import { healthCommand } from './health.ts';

const outputLimit = 4096;
const SIGKILL = 9;

/** Runs the container's check as an exec. One that takes too long is killed and counts as failed. */
export async function probeHealth(
  deps: ContainerDeps,
  container: ContainerRecord,
  timeoutMilliseconds: number,
): Promise<HealthcheckResult> {
  const start = timestamp();
  try {
    const { exitCode, output } = await runCheck(deps, container, timeoutMilliseconds);
    return { Start: start, End: timestamp(), ExitCode: exitCode, Output: output };
  } catch (error) {
    const output = error instanceof Error ? error.message : String(error);
    return { Start: start, End: timestamp(), ExitCode: -1, Output: output };
  }
}

async function runCheck(
  deps: ContainerDeps,
  { id, config }: ContainerRecord,
  timeoutMilliseconds: number,
): Promise<{ exitCode: number; output: string }> {
  const { Id } = createExec(deps, id, {
    User: '',
    Privileged: false,
    Tty: false,
    ConsoleSize: null,
    AttachStdin: false,
    AttachStdout: true,
    AttachStderr: true,
    DetachKeys: '',
    Env: null,
    WorkingDir: '',
    Cmd: healthCommand(config.Healthcheck!, config.Shell) ?? [],
  });
  const attached = await startExec(deps, Id, { detach: false, tty: false });
  let output = '';
  const demuxer = new FrameDemuxer((_stream, payload) => {
    if (output.length < outputLimit) output += payload.toString('utf8');
  });
  const stream = attached!.stream;
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  stream.on('data', (chunk: Buffer) => demuxer.push(chunk));
  finished(stream, { writable: false }, () => resolve());
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    void deps.supervisor.killExec(id, Id, SIGKILL).catch(() => {});
    resolve();
  }, timeoutMilliseconds);
  await ended;
  clearTimeout(timer);
  stream.destroy();
  if (timedOut) {
    return { exitCode: -1, output: `Health check exceeded timeout (${timeoutMilliseconds}ms)` };
  }
  // The output's end and the exit's report may arrive in either order.
  return { exitCode: await deps.execs.exitOf(Id), output: output.slice(0, outputLimit) };
}
