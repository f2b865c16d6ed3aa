import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { invalidArgument } from '@wharf/base/error';
import type { Logger } from '@wharf/base/logger';
import type { EngineRuntime } from '@wharf/engine/engine-runtime';
import type { CgroupFix } from '@wharf/runtime/cgroup-fix';
import type { SeccompSource } from '@wharf/runtime/seccomp/seccomp';
import { readSpecHost, runtimeFeatures } from '@wharf/runtime/spec/spec-host';
import type { DaemonEnvironment } from '../config/config.ts';
import type { Settings } from '../config/options.ts';
import type { RuntimeDefinition } from '../config/structured-options.ts';

const run = promisify(execFile);

export interface Runtimes {
  /** By the names that HostConfig.Runtime may say. */
  readonly byName: Readonly<Record<string, EngineRuntime>>;
  readonly defaultName: string;
}

interface FoundRuntime {
  readonly name: string;
  readonly path: string;
  readonly args: readonly string[];
  readonly kind: 'crun' | 'runc';
  readonly version: string;
}

/** The OCI runtimes of the configuration and those in PATH; crun is the default where it can run. */
export async function findRuntimes(
  settings: Settings,
  environment: DaemonEnvironment,
  options: { seccomp: SeccompSource; cgroupFix: CgroupFix; logger: Logger },
): Promise<Runtimes> {
  const searchPath = environment.path.split(':');
  const found = (await Promise.all(candidates(settings, searchPath).map(identify))).filter((one) => one !== undefined);
  const usable = found.filter(({ kind }) => kind !== 'crun' || crunCanRun());
  const defaultName = chooseDefault(settings['default-runtime'], usable);
  options.logger.debug('Found OCI runtimes', {
    runtimes: usable.map(({ name, kind, version }) => `${name} (${kind} ${version})`).join(', '),
    default: defaultName,
  });
  return { byName: Object.fromEntries(usable.map((one) => [one.name, engineRuntime(one)])), defaultName };

  function crunCanRun(): boolean {
    return options.cgroupFix.apply({ mounts: settings['cgroup-fix'] });
  }

  function engineRuntime({ name, path, args, kind, version }: FoundRuntime): EngineRuntime {
    return {
      version,
      command: { name: kind, path, args, root: join(settings['exec-root'], 'runtimes', name) },
      host: readSpecHost({
        seccomp: options.seccomp,
        runtime: runtimeFeatures(kind, version, release()),
        defaultShmSize: settings['default-shm-size'],
        defaultUlimits: settings['default-ulimits'],
        noNewPrivileges: settings['no-new-privileges'],
        initByDefault: settings.init,
        initPath: initProgram(settings, searchPath),
        searchPath,
      }),
    };
  }
}

/** undefined looks for one of the usual names, when the first container wants one. */
function initProgram(settings: Settings, searchPath: readonly string[]): string | undefined {
  const name = settings['default-init'];
  if (settings['init-path'] !== '' || name === '') return settings['init-path'] || undefined;
  const path = name.includes('/') ? name : findProgram(name, searchPath);
  if (path === undefined) throw invalidArgument(`default-init: ${name} is not in PATH`);
  return path;
}

function candidates(settings: Settings, searchPath: readonly string[]): [name: string, RuntimeDefinition][] {
  const list: [string, RuntimeDefinition][] = [];
  for (const name of ['crun', 'runc']) {
    const path = findProgram(name, searchPath);
    if (path !== undefined && !Object.hasOwn(settings.runtimes, name)) list.push([name, { path, runtimeArgs: [] }]);
  }
  for (const [name, definition] of Object.entries(settings.runtimes)) {
    const path = definition.path.includes('/') ? definition.path : findProgram(definition.path, searchPath);
    if (path === undefined) throw invalidArgument(`runtime ${name}: ${definition.path} is not in PATH`);
    list.push([name, { ...definition, path }]);
  }
  return list;
}

/** What a program says of itself; one that is in PATH and says nothing we know is left alone. */
async function identify([name, { path, runtimeArgs }]: [string, RuntimeDefinition]): Promise<FoundRuntime | undefined> {
  const { stdout } = await run(path, ['--version']).catch((cause: Error) => {
    throw invalidArgument(`runtime ${name}: ${path} --version failed: ${cause.message}`, { cause });
  });
  const match = /^(crun|runc) version (\S+)/m.exec(stdout);
  if (!match) throw invalidArgument(`runtime ${name}: ${path} is neither crun nor runc`);
  return { name, path, args: runtimeArgs, kind: match[1] as 'crun' | 'runc', version: match[2]! };
}

function chooseDefault(wanted: string, usable: readonly FoundRuntime[]): string {
  if (wanted === '') {
    const first = usable[0];
    if (!first) throw invalidArgument('no OCI runtime found: install crun or runc');
    return first.name;
  }
  if (!usable.some(({ name }) => name === wanted)) {
    throw invalidArgument(`specified default runtime '${wanted}' does not exist`);
  }
  return wanted;
}

function findProgram(name: string, directories: readonly string[]): string | undefined {
  return directories.map((directory) => join(directory, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
