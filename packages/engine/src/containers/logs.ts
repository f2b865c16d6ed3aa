import type { Readable } from 'node:stream';
import { notImplemented } from '@wharf/base/error';
import type { LogOptions } from '../engine.ts';
import type { ContainerDeps } from '../engine-deps.ts';
import type { ContainerRecord } from './container-record.ts';

type LogDeps = Pick<ContainerDeps, 'containers' | 'config'>;

export async function containerLogs(
  deps: LogDeps,
  idOrName: string,
  options: LogOptions,
  signal: AbortSignal,
): Promise<{ tty: boolean; stream: Readable }> {
  const record = deps.containers.find(idOrName);
  return { tty: record.config.Tty, stream: await logsOf(deps, record, options, signal) };
}

/** A container's log as frames, raw with a terminal. */
export async function logsOf(
  _deps: LogDeps,
  _record: ContainerRecord,
  _options: LogOptions,
  _signal?: AbortSignal,
): Promise<Readable> {
  throw notImplemented('reading logs');
}
