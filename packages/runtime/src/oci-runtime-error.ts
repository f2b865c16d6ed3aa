import { EngineError } from '@wharf/base/error';
import type { OciRuntimeCommand } from './supervisor/supervisor.ts';

export type RuntimeAction = 'create' | 'start' | 'exec';

export interface RuntimeFailure {
  readonly action: RuntimeAction;
  readonly runtime: OciRuntimeCommand['name'];
  /** What the runtime wrote into its log. */
  readonly log: string;
  /** The first word of the program that was to run, for the message. */
  readonly program: string | undefined;
}

/**
 * The runtime's failure as dockerd words it, which is what `docker run` and `docker exec` recognise; the reason
 * is found once, here.
 */
export function runtimeError({ action, runtime, log, program }: RuntimeFailure): EngineError {
  const said = lastMessage(log);
  const kind = classify(said);
  const failure =
    kind === undefined ? said || 'no reason given' : `exec: ${JSON.stringify(program ?? '')}: ${texts[kind]}`;
  const prefix = kind === undefined && runtime === 'crun' ? 'crun: ' : '';
  const message = `${situations[action](kind !== undefined)}${prefix}${stripSituation(failure)}: unknown`;
  if (action === 'exec' && /stopped container|not running/.test(said)) {
    return new EngineError('conflict', message);
  }
  // moby: a program that cannot run is the caller's mistake, whatever is else wrong is the server's.
  if (kind === undefined) return new EngineError('internal', message);
  return new EngineError('invalid_argument', message, { reason: reasons[kind] });
}

type Kind = 'not-found' | 'no-such-file' | 'denied' | 'directory' | 'format';

const texts: Record<Kind, string> = {
  'not-found': 'executable file not found in $PATH',
  'no-such-file': 'no such file or directory',
  denied: 'permission denied',
  directory: 'is a directory: permission denied',
  format: 'exec format error',
};

const reasons = {
  'not-found': 'cmd_not_found',
  'no-such-file': 'cmd_not_found',
  denied: 'cmd_not_executable',
  directory: 'cmd_not_executable',
  format: 'cmd_not_executable',
} as const satisfies Record<Kind, string>;

const situations: Record<RuntimeAction, (ofProgram: boolean) => string> = {
  create: (ofProgram) =>
    `failed to create task for container: failed to create shim task: OCI runtime create failed: ${ofProgram ? 'runc create failed: unable to start container process: ' : ''}`,
  start: (ofProgram) =>
    `failed to start task for container: OCI runtime start failed: ${ofProgram ? 'unable to start container process: ' : ''}`,
  exec: (ofProgram) =>
    `OCI runtime exec failed: ${ofProgram ? 'exec failed: unable to start container process: ' : ''}`,
};

/** crun says "executable file `x` not found in $PATH", runc `exec: "x": executable file not found in $PATH`. What crun 1.8 calls "open executable" is "the path `x` ..." for later ones. */
function classify(said: string): Kind | undefined {
  const text = said.toLowerCase();
  if (/executable file .*not found/.test(text)) return /`\/|"\//.test(text) ? 'no-such-file' : 'not-found';
  const ofProgram = /^(open executable|exec(ve)? |exec:|access executable|the executable|the path `)|exec: "/.test(
    text,
  );
  if (!ofProgram) return undefined;
  if (/is a directory|is not a regular file/.test(text)) return 'directory';
  if (text.includes('exec format error')) return 'format';
  if (/no such file or directory|too many levels/.test(text)) return 'no-such-file';
  if (/permission denied|operation not permitted|not executable/.test(text)) return 'denied';
  return undefined;
}

/** Both write one line an error in logrus' text format or their own; the last one is the outermost. */
export function lastMessage(log: string): string {
  const line =
    log
      .trimEnd()
      .split('\n')
      .findLast((candidate) => !/level="?(warning|info|debug)/.test(candidate)) ?? '';
  const quoted = /\bmsg=("(?:[^"\\]|\\.)*")/.exec(line)?.[1];
  if (quoted !== undefined) return JSON.parse(quoted) as string;
  return line.replace(/^\d{4}-\d\d-\d\dT[\d:.]+Z?:? /, '').trim();
}

/** runc words its own situation too, with and without the words that `situations` adds. */
function stripSituation(text: string): string {
  return text.replace(/^OCI runtime (create|exec|start) failed: /, '');
}
