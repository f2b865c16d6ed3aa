import type { ExecInspect } from '@wharf/api/exec';
import { parseDetachKeys } from '../containers/detach-keys.ts';
import type { ContainerDeps } from '../engine-deps.ts';

export function inspectExec({ execs }: Pick<ContainerDeps, 'execs'>, execId: string): ExecInspect {
  const { id, containerId, request, status, pid, exitCode } = execs.find(execId);
  const [entrypoint = '', ...rest] = request.Cmd ?? [];
  return {
    ID: id,
    Running: status === 'running',
    ExitCode: exitCode ?? null,
    ProcessConfig: {
      tty: request.Tty,
      entrypoint,
      arguments: rest,
      privileged: request.Privileged,
      ...(request.User !== '' && { user: request.User }),
    },
    OpenStdin: request.AttachStdin,
    OpenStderr: request.AttachStderr,
    OpenStdout: request.AttachStdout,
    CanRemove: false,
    ContainerID: containerId,
    DetachKeys: request.DetachKeys === '' ? '' : parseDetachKeys(request.DetachKeys).toString('base64'),
    Pid: pid,
  };
}
