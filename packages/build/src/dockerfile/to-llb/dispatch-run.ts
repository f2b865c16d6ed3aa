import { posix } from 'node:path';
import { invalidArgument } from '@wharf/base/error';
import type { InstructionOf } from '../instructions/instruction.ts';
import { parseMount, type RunMount } from '../instructions/mount.ts';
import { type ExecMount, execOp, type SecretVariable } from '../llb/exec-op.ts';
import { fileOp } from '../llb/file-op.ts';
import type { State } from '../llb/vertex.ts';
import { heredocText, parseHeredocWord } from '../parser/heredoc.ts';
import type { Variables } from '../shell-lex.ts';
import type { ConvertContext } from './convert-context.ts';
import { commit } from './history.ts';
import { proxyFromArgs } from './platform-args.ts';
import type { PlannedInstruction, StageState } from './stage-state.ts';
import { displayCommand, nextStepName } from './vertex-name.ts';

type Run = InstructionOf<'run'>;
const pipes = '/dev/pipes';

export function dispatchRun(
  context: ConvertContext,
  stage: StageState,
  run: Run,
  { sources, expandValue }: { sources: PlannedInstruction['sources']; expandValue: (value: string) => string },
): void {
  const { options } = context;
  // A command may read any file of its stage.
  stage.paths.add('/');
  const platform = stage.platform!;
  const command = commandOf(run, stage);
  const args = run.shell ? [...shellOf(stage), command.args.join(' ')] : command.args;
  const parsed = run.mounts.map((text) => parseMount(text, expandValue));
  const { mounts, secretVariables } = planMounts(context, stage, run, { parsed, sources });
  if (command.script) mounts.push(command.script);
  if (options.shmSize > 0) mounts.push({ kind: 'tmpfs', target: '/dev/shm', size: options.shmSize });
  const shown = displayCommand(run.code + command.summary, maskedEnv(stage.env, secretVariables), {
    escape: context.dockerfile.escapeToken,
    rawQuotes: true,
    keepUnset: true,
  });
  const name = nextStepName(stage, shown, { multiPlatform: options.multiPlatform, platform });
  stage.state = execOp(stage.state, {
    args,
    env: [...stage.env].map(([key, value]) => `${key}=${value}`),
    cwd: stage.cwd,
    user: stage.user,
    hostname: options.hostname,
    mounts,
    secretVariables,
    devices: run.devices.map(parseDevice),
    network: run.network === 'default' ? options.network : run.network,
    security: run.security,
    proxy: proxyFromArgs(options.buildArgs),
    extraHosts: options.extraHosts,
    ulimits: options.ulimits,
    cgroupParent: options.cgroupParent,
    platform,
    name,
    description: { 'com.docker.dockerfile.v1.command': run.code },
    ignoreCache: stage.ignoreCache,
    ranges: run.ranges,
  });
  commit(context, stage, `RUN ${historyOf(stage, args)}`, 'layer-of-build');
}

export function shellOf({ image, platform }: StageState): readonly string[] {
  if (image.config.Shell?.length) return image.config.Shell;
  return platform?.os === 'windows' ? ['cmd', '/S', '/C'] : ['/bin/sh', '-c'];
}

interface Command {
  readonly args: readonly string[];
  /** What follows the instruction in its name. */
  readonly summary: string;
  readonly script?: ExecMount;
}

/** A heredoc alone is the command itself, or a script where it begins with `#!`; others are the shell's to read. */
function commandOf({ args, heredocs, shell }: Run, stage: StageState): Command {
  const first = heredocs[0];
  if (first === undefined) return { args, summary: '' };
  const line = args[0];
  if (args.length !== 1 || line === undefined || !shell) {
    throw invalidArgument(`parsing produced an invalid run command: [${args.join(' ')}]`);
  }
  if (!parseHeredocWord(line)) {
    const whole = heredocs.reduce((text, { content, name }) => `${text}\n${content}${name}`, line);
    return { args: [whole], summary: '' };
  }
  const text = heredocText(first);
  const summary = ` (${summarize(first.content)})`;
  if (!first.content.startsWith('#!')) return { args: [text], summary };
  const file = fileOp(undefined, [{ kind: 'mkfile', path: `/${first.name}`, mode: 0o755, data: Buffer.from(text) }], {
    platform: stage.platform!,
    name: '[internal] preparing inline document',
  });
  const script: ExecMount = { kind: 'bind', target: pipes, from: file, source: '', readOnly: true };
  return { args: [`${pipes}/${first.name}`], summary, script };
}

function summarize(content: string): string {
  const [first = '', ...more] = content.trim().split(/\r?\n/);
  return more.length > 0 ? `${first}...` : first;
}

interface Mounts {
  readonly mounts: ExecMount[];
  readonly secretVariables: SecretVariable[];
}

function planMounts(
  context: ConvertContext,
  stage: StageState,
  run: Run,
  { parsed, sources }: { parsed: readonly RunMount[]; sources: PlannedInstruction['sources'] },
): Mounts {
  const mounts: ExecMount[] = [];
  const secretVariables: SecretVariable[] = [];
  for (const [index, mount] of parsed.entries()) {
    switch (mount.type) {
      case 'secret':
        planSecret(stage, run, mount, { mounts, secretVariables });
        break;
      case 'ssh':
        mounts.push(planSsh(stage, run, mount));
        break;
      case 'tmpfs':
        mounts.push({ kind: 'tmpfs', target: mountTarget(stage, mount.target), size: mount.size });
        break;
      case 'bind':
      case 'cache':
        mounts.push(planTree(context, stage, mount, sources[index]));
        break;
    }
  }
  return { mounts, secretVariables };
}

function mountTarget(stage: StageState, target: string): string {
  const path = target.startsWith('/') ? posix.normalize(target) : posix.join('/', stage.cwd, target);
  if (path === '/') throw invalidArgument(`invalid mount target "${path}"`);
  return path;
}

function planTree(
  context: ConvertContext,
  stage: StageState,
  mount: RunMount,
  from: StageState | undefined,
): ExecMount {
  const target = mountTarget(stage, mount.target);
  const source = posix.join('/', mount.source);
  if (from && !from.dispatched) {
    throw invalidArgument(
      `cannot mount from stage "${mount.from}" to "${mount.target}", stage needs to be defined before current command`,
    );
  }
  let state: State = from?.state;
  if (mount.type === 'bind' && mount.from === '') {
    state = context.buildContext;
    stage.contextPaths.add(source);
  } else from?.paths.add(source);
  const readOnly = mount.readOnly;
  const selector = source === '/' ? '' : source;
  if (mount.type === 'bind') return { kind: 'bind', target, from: state, source: selector, readOnly };
  const id = `${context.options.cacheNamespace}/${mount.id === '' ? posix.normalize(mount.target) : mount.id}`;
  const cache = { kind: 'cache', target, readOnly, id, sharing: mount.sharing ?? 'shared' } as const;
  const { uid, gid, mode } = mount;
  if (selector !== '' || (uid === undefined && gid === undefined && mode === undefined)) {
    return { ...cache, from: state, source: selector };
  }
  // A cache that begins with an owner and a mode of its own is a directory made so.
  const owned = fileOp(
    state,
    [{ kind: 'mkdir', path: '/cache', mode: mode ?? 0o755, owner: `${uid ?? 0}:${gid ?? 0}` }],
    {
      platform: stage.platform!,
      name: '[internal] settings cache mount permissions',
    },
  );
  return { ...cache, from: owned, source: '/cache' };
}

function planSecret(stage: StageState, { ranges }: Run, mount: RunMount, { mounts, secretVariables }: Mounts): void {
  const id = mount.source || mount.id || posix.basename(mount.target);
  if (!stage.outline.secrets.has(id)) stage.outline.secrets.set(id, { name: id, required: mount.required, ranges });
  const optional = !mount.required;
  if (mount.env !== undefined) secretVariables.push({ id, name: mount.env || id, optional });
  if (mount.env !== undefined && mount.target === '') return;
  const target = mount.target === '' ? `/run/secrets/${posix.basename(id)}` : mountTarget(stage, mount.target);
  mounts.push({ kind: 'secret', target, id, optional, ...owned(mount, 0o400) });
}

function planSsh(stage: StageState, { ranges }: Run, mount: RunMount): ExecMount {
  if (mount.source !== '') throw invalidArgument('ssh does not support source');
  const id = mount.id || 'default';
  if (!stage.outline.ssh.has(id)) stage.outline.ssh.set(id, { name: id, required: mount.required, ranges });
  const target = mount.target === '' ? '' : mountTarget(stage, mount.target);
  return { kind: 'ssh', target, id: mount.id, optional: !mount.required, ...owned(mount, 0o600) };
}

function owned({ uid = 0, gid = 0, mode }: RunMount, defaultMode: number) {
  return { uid, gid, mode: mode ?? defaultMode };
}

function parseDevice(text: string): { name: string; optional: boolean } {
  const fields = text.split(',').map((field) => field.trim());
  const name =
    fields.map((field) => (field.startsWith('name=') ? field.slice(5) : field)).find((field) => field !== 'required') ??
    '';
  return { name, optional: !fields.includes('required') };
}

/** A secret's value is no part of a name that everybody sees. */
function maskedEnv(env: Variables, secrets: readonly SecretVariable[]): Variables {
  return new Map([...env, ...secrets.map(({ name }): [string, string] => [name, '****'])]);
}

/** `|2 A=1 B=2 /bin/sh -c make`: arguments that are set are part of the record. */
function historyOf(stage: StageState, args: readonly string[]): string {
  const values = new Map<string, string>();
  for (const { key, value } of stage.args) values.set(key, stage.env.get(key) ?? value ?? '');
  const shown = [...values].map(([key, value]) => `${key}=${value}`);
  return [...(shown.length > 0 ? [`|${shown.length}`, ...shown] : []), ...args].join(' ');
}
