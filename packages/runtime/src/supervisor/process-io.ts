import { closeSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { closeDescriptor, createPipe, duplicateDescriptor, setNonBlocking } from '@wharf/sys/descriptor';
import { acceptUnix, listenUnix, receiveDescriptor } from '@wharf/sys/unix-socket';
import { JsonFileWriter, type LogPosition } from '../logs/json-file-writer.ts';
import { LogFile } from '../logs/log-file.ts';
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

export function prepareIo(deps: Pick<SupervisorDeps, 'scratchFiles'>, io: ProcessIo): PreparedIo {
  return io.tty ? prepareTerminal(deps) : preparePipes(io);
}

function preparePipes(io: ProcessIo): PreparedIo {
  const stdout = createPipe();
  const stderr = createPipe();
  const stdin = io.stdin ? createPipe() : undefined;
  const input = stdin?.read ?? openSync('/dev/null', 'r');
  const ours = [stdout.read, stderr.read, ...(stdin ? [stdin.write] : [])];
  const child = [input, stdout.write, stderr.write];
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

function prepareTerminal({ scratchFiles }: Pick<SupervisorDeps, 'scratchFiles'>): PreparedIo {
  const name = `${scratchFiles.next()}.sock`;
  const consoleSocket = `${scratchFiles.shortDirectory}/${name}`;
  const listener = listenUnix(consoleSocket, 1);
  const nothing = openSync('/dev/null', 'r+');
  const release = () => {
    closeAll([listener, nothing]);
    rmSync(consoleSocket, { force: true });
  };
  return {
    child: [nothing, nothing, nothing],
    consoleSocket,
    finish() {
      try {
        const connection = acceptUnix(listener);
        if (connection === undefined) throw new Error('the runtime did not hand over a terminal');
        const master = receiveDescriptor(connection);
        closeDescriptor(connection);
        setNonBlocking(master);
        return { outputs: [{ fd: master, stream: 'stdout' }], stdin: duplicateDescriptor(master) };
      } finally {
        release();
      }
    },
    cancel: release,
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
  const { path, maxSize, maxFiles = 1, attributes } = target;
  mkdirSync(dirname(path), { recursive: true, mode: 0o710 });
  const file = new LogFile({ path, maxSize, maxFiles, compress: target.compress ? compress : undefined });
  return new JsonFileWriter({ file, scratch: logScratch, attributes, begun });
}
