import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { createPipe, duplicateDescriptor, setNonBlocking } from '@wharf/sys/descriptor';
import { chownFile } from '@wharf/sys/file';
import { readCursor } from '../logs/forward/log-cursor.ts';
import { JsonFileWriter, type LogPosition } from '../logs/json-file-writer.ts';
import { LogFile } from '../logs/log-file.ts';
import { HandedTerminal } from './handed-terminal.ts';
import type { Opened, Output } from './stdio.ts';
import type { LogTarget, ProcessIo } from './supervisor.ts';
import type { SupervisorDeps } from './supervisor-deps.ts';

/** Both sides of a process' stdio, while the runtime makes the process. */
export interface PreparedIo {
  /** The runtime's, and so the process', descriptors 0, 1 and 2. */
  readonly child: readonly number[];
  readonly consoleSocket: string | undefined;
  /** The process exists: gives up the child's side, and takes the pty. Throws if none was sent. */
  finish(): Omit<Opened, 'io' | 'log'>;
  /** There is no process: gives up everything. */
  cancel(): void;
}

type IoDeps = Pick<SupervisorDeps, 'reactor' | 'scratchFiles' | 'nullDevices'>;

export function prepareIo(deps: IoDeps, io: ProcessIo): PreparedIo {
  return io.tty ? prepareTerminal(deps, io) : preparePipes(deps, io);
}

export function preparePipes({ nullDevices }: Pick<SupervisorDeps, 'nullDevices'>, io: ProcessIo): PreparedIo {
  const stdout = createPipe();
  const stderr = createPipe();
  const stdin = io.stdin ? createPipe() : undefined;
  const input = stdin?.read ?? nullDevices.open();
  const ours = [stdout.read, stderr.read, ...(stdin ? [stdin.write] : [])];
  const child = [input, stdout.write, stderr.write];
  const { owner } = io;
  if (owner) {
    const pipes = [stdout.write, stderr.write, ...(stdin ? [stdin.read] : [])];
    for (const fd of pipes) chownFile(fd, owner.uid, owner.gid);
  }
  return {
    child,
    consoleSocket: undefined,
    finish() {
      closeAll(child);
      for (const fd of ours) setNonBlocking(fd);
      const outputs: Output[] = [
        { fd: stdout.read, stream: 'stdout' },
        { fd: stderr.read, stream: 'stderr' },
      ];
      return { outputs, stdin: stdin?.write };
    },
    cancel() {
      closeAll([...child, ...ours]);
    },
  };
}

function prepareTerminal({ reactor, scratchFiles }: IoDeps, io: ProcessIo): PreparedIo {
  const terminal = new HandedTerminal(reactor, `${scratchFiles.shortDirectory}/${scratchFiles.next()}.sock`, io.size);
  const nothing = openSync('/dev/null', 'r+');
  return {
    child: [nothing, nothing, nothing],
    consoleSocket: terminal.path,
    finish() {
      closeSync(nothing);
      const master = terminal.take();
      return { outputs: [{ fd: master, stream: 'stdout' }], stdin: duplicateDescriptor(master) };
    },
    cancel() {
      closeSync(nothing);
      terminal.close();
    },
  };
}

function closeAll(descriptors: readonly number[]): void {
  for (const fd of descriptors) closeSync(fd);
}

/** Opens the log that a container writes into; undefined where it wants none. */
export function openLog(
  { compress, logScratch }: Pick<SupervisorDeps, 'compress' | 'logScratch'>,
  target: LogTarget,
  begun?: LogPosition,
): JsonFileWriter | undefined {
  if (target.driver === 'none') return undefined;
  // Every driver's files are json-file's, which only our reader has to know.
  const { path, maxSize, maxFiles = 1, attributes, compress: compressed, forwarding } = target;
  mkdirSync(dirname(path), { recursive: true, mode: 0o710 });
  const file = new LogFile({
    path,
    maxSize,
    maxFiles,
    compress: compressed ? compress : undefined,
    ...(forwarding?.waits && { mayRemove: (name: string) => (readCursor(path)?.name ?? '') > name }),
  });
  return new JsonFileWriter({ file, scratch: logScratch, attributes, begun });
}
