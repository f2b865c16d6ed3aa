import { invalidArgument } from '@wharf/base/error';
import type { SpecHost } from '@wharf/runtime/spec/spec';
import type { OciRuntimeCommand } from '@wharf/runtime/supervisor/supervisor';
import type { EngineDeps } from './engine-deps.ts';

/** An OCI runtime of this host: how to call it, and what specs for it may hold. */
export interface EngineRuntime {
  readonly command: OciRuntimeCommand;
  readonly host: SpecHost;
  /** As `--version` prints it. */
  readonly version: string;
}

/** The runtime that HostConfig.Runtime names; '' is the default. */
export function runtimeOf({ config, runtimes }: Pick<EngineDeps, 'config' | 'runtimes'>, name: string): EngineRuntime {
  const wanted = name || config.defaultRuntime;
  const runtime = Object.hasOwn(runtimes, wanted) ? runtimes[wanted] : undefined;
  if (!runtime) throw invalidArgument(`unknown or invalid runtime name: ${wanted}`);
  return runtime;
}
