import type { Readable } from 'node:stream';
import { EngineError, invalidArgument } from '@wharf/base/error';
import { readLogs } from '@wharf/runtime/logs/reader';
import type { LogOptions } from '../engine.ts';
import type { ContainerDeps } from '../engine-deps.ts';
import type { ContainerRecord } from './container-record.ts';
import { isUp } from './container-state.ts';
import { isReadable } from './log-target.ts';

type LogDeps = Pick<ContainerDeps, 'containers' | 'waits'>;

export async function containerLogs(
  deps: LogDeps,
  idOrName: string,
  options: LogOptions,
  signal: AbortSignal,
): Promise<{ tty: boolean; stream: Readable }> {
  const record = deps.containers.find(idOrName);
  if (!options.stdout && !options.stderr) {
    throw invalidArgument('Bad parameters: you must choose at least one stream');
  }
  return { tty: record.config.Tty, stream: await logsOf(deps, record, options, signal) };
}

/** A container's log as frames, raw with a terminal. Following ends when this run of the container does. */
export async function logsOf(
  { waits }: Pick<LogDeps, 'waits'>,
  record: ContainerRecord,
  options: LogOptions,
  signal?: AbortSignal,
): Promise<Readable> {
  const { id, config, logPath, state } = record;
  if (!isReadable(record)) {
    throw new EngineError('not_implemented', 'configured logging driver does not support reading');
  }
  const ended = isUp(state.status) ? waits.nextExit(id, signal) : Promise.resolve();
  return readLogs({ ...options, path: logPath, tty: config.Tty, ended, ...(signal && { signal }) });
}
