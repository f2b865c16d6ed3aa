import { posix } from 'node:path';
import { invalidArgument } from '@wharf/base/error';
import { formatDuration, quote, quoteList } from '../go-format.ts';
import type { InstructionOf } from '../instructions/instruction.ts';
import { rules } from '../lint/rules.ts';
import { looksSecret } from '../lint/secret-names.ts';
import { fileOp } from '../llb/file-op.ts';
import type { ConvertContext } from './convert-context.ts';
import { shellOf } from './dispatch-run.ts';
import { parseExposedPorts } from './exposed-ports.ts';
import { commit } from './history.ts';
import type { StageState } from './stage-state.ts';
import { displayCommand, nextStepName } from './vertex-name.ts';

export function dispatchEnv(context: ConvertContext, stage: StageState, env: InstructionOf<'env'>): void {
  if (env.withoutEquals) context.linter.report(rules.legacyKeyValueFormat, env.ranges, env.keyword);
  for (const { key, value } of env.pairs) {
    if (looksSecret(key)) context.linter.report(rules.secretsUsedInArgOrEnv, env.ranges, 'ENV', key);
    stage.env.set(key, value);
    const entry = `${key}=${value}`;
    const before = stage.image.config.Env ?? [];
    const known = before.some((item) => item.startsWith(`${key}=`));
    stage.image.config.Env = known
      ? before.map((item) => (item.startsWith(`${key}=`) ? entry : item))
      : [...before, entry];
  }
  commit(context, stage, `ENV ${env.pairs.map(({ key, value }) => `${key}=${value}`).join(' ')}`, 'empty');
}

export function dispatchLabel(context: ConvertContext, stage: StageState, label: InstructionOf<'label'>): void {
  if (label.withoutEquals) context.linter.report(rules.legacyKeyValueFormat, label.ranges, label.keyword);
  const added = Object.fromEntries(label.pairs.map(({ key, value }) => [key, value]));
  stage.image.config.Labels = { ...stage.image.config.Labels, ...added };
  commit(context, stage, `LABEL ${label.pairs.map(({ key, value }) => `${key}=${value}`).join(' ')}`, 'empty');
}

export function dispatchCommand(
  context: ConvertContext,
  stage: StageState,
  instruction: InstructionOf<'cmd' | 'entrypoint'>,
): void {
  const { kind, ranges, keyword, shell } = instruction;
  reportSecond(context, stage, instruction);
  if (shell && !stage.image.config.Shell?.length) context.linter.report(rules.jsonArgsRecommended, ranges, keyword);
  const args = shell ? [...shellOf(stage), instruction.args.join(' ')] : [...instruction.args];
  if (kind === 'cmd') {
    stage.image.config.Cmd = args;
    stage.image.config.ArgsEscaped = true;
  } else {
    stage.image.config.Entrypoint = args;
    // The base's CMD was meant for the base's ENTRYPOINT.
    if (!stage.once.has('cmd')) stage.image.config.Cmd = null;
  }
  commit(context, stage, `${kind.toUpperCase()} ${quoteList(args)}`, 'empty');
}

export function dispatchHealthcheck(
  context: ConvertContext,
  stage: StageState,
  instruction: InstructionOf<'healthcheck'>,
): void {
  reportSecond(context, stage, instruction);
  const { healthcheck } = instruction;
  stage.image.config.Healthcheck = healthcheck;
  const { Test, Interval = 0, Timeout = 0, StartPeriod = 0, StartInterval = 0, Retries = 0 } = healthcheck;
  const times = [Interval, Timeout, StartPeriod, StartInterval].map((value) => quote(formatDuration(BigInt(value))));
  // Go's %q of a struct: numbers are shown as the letter of that code.
  const retries = `'${Retries === 0 ? '\\x00' : Retries < 32 ? `\\x${Retries.toString(16).padStart(2, '0')}` : String.fromCodePoint(Retries)}'`;
  commit(context, stage, `HEALTHCHECK &{${quoteList(Test ?? [])} ${times.join(' ')} ${retries}}`, 'empty');
}

function reportSecond(
  { linter }: ConvertContext,
  { once }: StageState,
  { kind, keyword, ranges }: InstructionOf<'cmd' | 'entrypoint' | 'healthcheck'>,
): void {
  const before = once.get(kind);
  if (before) linter.report(rules.multipleInstructionsDisallowed, before, keyword);
  once.set(kind, ranges);
}

export function dispatchExpose(
  context: ConvertContext,
  stage: StageState,
  { ranges }: InstructionOf<'expose'>,
  ports: readonly string[],
): void {
  const parsed = parseExposedPorts(ports);
  for (const { text, oddProtocol, hasHost } of parsed.specs) {
    if (oddProtocol) context.linter.report(rules.exposeProtoCasing, ranges, text);
    if (hasHost) context.linter.report(rules.exposeInvalidFormat, ranges, text);
  }
  const exposed = Object.fromEntries(parsed.ports.map((port) => [port, {}]));
  stage.image.config.ExposedPorts = { ...stage.image.config.ExposedPorts, ...exposed };
  const shown = [...parsed.ports].sort().map((port) => `${port}:{}`);
  commit(context, stage, `EXPOSE map[${shown.join(' ')}]`, 'empty');
}

export function dispatchWorkdir(context: ConvertContext, stage: StageState, workdir: InstructionOf<'workdir'>): void {
  const { path, ranges, code } = workdir;
  if (!stage.workdirSet && !path.startsWith('/')) context.linter.report(rules.workdirRelativePath, ranges, path);
  stage.workdirSet = true;
  setWorkdir(stage, path);
  const name = nextStepName(stage, displayCommand(code, stage.env, { escape: context.dockerfile.escapeToken }), {
    multiPlatform: context.options.multiPlatform,
    platform: stage.platform,
  });
  if (stage.cwd !== '/') {
    const owner = stage.image.config.User ? { owner: stage.image.config.User } : {};
    const step = { kind: 'mkdir' as const, path: stage.cwd, mode: 0o755, ...owner };
    stage.state = fileOp(stage.state, [step], { platform: stage.platform!, name, ranges });
  }
  commit(context, stage, `WORKDIR ${stage.cwd}`, stage.cwd === '/' ? 'empty' : 'layer');
}

/** From the one before, as `cd` does. */
export function setWorkdir(stage: StageState, path: string): void {
  const absolute = path.startsWith('/') ? path : posix.join('/', stage.image.config.WorkingDir ?? '', path);
  stage.cwd = posix.normalize(absolute).replace(/(?<=.)\/$/, '');
  stage.image.config.WorkingDir = stage.cwd;
}

const signals =
  /^(?:SIG)?(?:ABRT|ALRM|BUS|CHLD|CLD|CONT|FPE|HUP|ILL|INT|IO|IOT|KILL|PIPE|POLL|PROF|PWR|QUIT|SEGV|STKFLT|STOP|SYS|TERM|TRAP|TSTP|TTIN|TTOU|URG|USR1|USR2|VTALRM|WINCH|XCPU|XFSZ|RTMIN(?:\+\d+)?|RTMAX(?:-\d+)?)$/i;

export function dispatchStopSignal(context: ConvertContext, stage: StageState, signal: string): void {
  const isNumber = /^\d+$/.test(signal);
  if (isNumber ? Number(signal) < 1 || Number(signal) > 64 : !signals.test(signal)) {
    throw invalidArgument(`invalid signal: ${signal}`);
  }
  stage.image.config.StopSignal = signal;
  commit(context, stage, `STOPSIGNAL ${signal}`, 'empty');
}
