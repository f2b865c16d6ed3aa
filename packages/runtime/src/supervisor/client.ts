import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { EngineError, isErrorCode } from '@wharf/base/error';
import { hasErrno } from '@wharf/sys/errno';
import {
  type Answer,
  type AttachCall,
  type Call,
  type ExitEvent,
  encodeLine,
  fromWireError,
  type Operation,
  type Operations,
  protocolVersion,
  socketName,
  supervisorDirectory,
} from './protocol.ts';
import type {
  AttachStreams,
  CreateProcess,
  ExecProcess,
  LogJoint,
  ProcessExit,
  ProcessState,
  Supervisor,
  WindowSize,
} from './supervisor.ts';

export interface ConnectSupervisor {
  readonly execRoot: string;
  /** The command that runs the supervisor's program; arguments are added to it. */
  readonly spawn: readonly string[];
  /** Told when the supervisor is lost and found again: exits in between arrive, but `list` is worth another look. */
  readonly onReconnect?: () => void;
}

/** Milliseconds: for a supervisor to come up on a busy machine. */
const startLimit = 10_000;
const longestWait = 64;
const longestAddress = 107;

/** Connects to the supervisor of an exec-root, starting it if there is none. */
export async function connectSupervisor(options: ConnectSupervisor): Promise<SupervisorClient> {
  const client = new SupervisorClient(options);
  await client.open();
  // One that an older daemon left running: its successor takes over what it has.
  if ((await client.ping()).version !== protocolVersion) await client.upgrade();
  return client;
}

interface Waiting {
  readonly resolve: (answer: never) => void;
  readonly reject: (error: Error) => void;
}

export class SupervisorClient implements Supervisor {
  readonly #options: ConnectSupervisor;
  readonly #listeners: ((exit: ProcessExit) => void)[] = [];
  readonly #waiting = new Map<number, Waiting>();
  #socket: Socket | undefined;
  #opening: Promise<void> | undefined;
  #subscribed = false;
  #number = 0;
  #closed = false;
  #directory: number | undefined;

  constructor(options: ConnectSupervisor) {
    this.#options = options;
  }

  /** Resolves when there is a connection. */
  open(): Promise<void> {
    this.#opening ??= this.#connect().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  create(request: CreateProcess): Promise<{ pid: number }> {
    return this.#call('create', request);
  }

  async start(id: string): Promise<void> {
    await this.#call('start', { id });
  }

  exec(request: ExecProcess): Promise<{ pid: number }> {
    return this.#call('exec', request);
  }

  async kill(id: string, signal: number, { all = false }: { all?: boolean } = {}): Promise<void> {
    await this.#call('kill', { id, signal, all });
  }

  async killExec(id: string, execId: string, signal: number): Promise<void> {
    await this.#call('kill', { id, execId, signal, all: false });
  }

  async resize(id: string, execId: string | undefined, size: WindowSize): Promise<void> {
    await this.#call('resize', { id, ...(execId !== undefined && { execId }), size });
  }

  list(): Promise<readonly ProcessState[]> {
    return this.#call('list', null);
  }

  async delete(id: string): Promise<void> {
    await this.#call('delete', { id });
  }

  async drained(id: string): Promise<void> {
    await this.#call('drained', { id });
  }

  async delivered(id: string, patience: number): Promise<void> {
    await this.#call('delivered', { id, patience });
  }

  /** The program that replaces the present one is the one that `spawn` names. */
  async upgrade(): Promise<void> {
    await this.#call('upgrade', { command: this.#options.spawn });
  }

  ping(): Promise<{ pid: number; version: string }> {
    return this.#call('ping', null);
  }

  /**
   * Tells the supervisor to end as soon as this client is closed and no process is left.
   * `stopping` is false when processes are left: it stays for them.
   */
  stop(): Promise<{ stopping: boolean }> {
    return this.#call('stop', null);
  }

  onExit(listener: (exit: ProcessExit) => void): void {
    this.#listeners.push(listener);
    if (!this.#subscribed && this.#socket) this.#subscribe();
  }

  close(): void {
    this.#closed = true;
    this.#socket?.destroy();
    if (this.#directory !== undefined) closeSync(this.#directory);
    this.#directory = undefined;
    this.#lose(new EngineError('canceled', 'the connection to the supervisor was closed'));
  }

  async attach(id: string, execId: string | undefined, streams: AttachStreams): Promise<Duplex> {
    return (await this.#attach(id, execId, streams)).stream;
  }

  async attachWithLog(id: string, streams: AttachStreams): Promise<{ stream: Duplex; joint: LogJoint | undefined }> {
    return await this.#attach(id, undefined, streams);
  }

  async #attach(
    id: string,
    execId: string | undefined,
    streams: AttachStreams,
  ): Promise<{ stream: Duplex; joint: LogJoint | undefined }> {
    if (!this.#socket) await this.open();
    const socket = await openSocket(this.#path());
    const call: AttachCall = {
      number: 0,
      op: 'attach',
      request: { id, ...(execId !== undefined && { execId }), streams },
    };
    socket.write(encodeLine(call));
    const first = await readLine(socket);
    const answer = JSON.parse(first) as Answer;
    if ('error' in answer) {
      socket.destroy();
      throw fromWireError(answer.error);
    }
    // When the process' output has ended nobody reads its stdin: the connection is done.
    socket.once('end', () => socket.end());
    // A supervisor that an older daemon has started does not say.
    return { stream: socket, joint: (answer.answer as LogJoint | null) ?? undefined };
  }

  async #call<Name extends Operation>(
    op: Name,
    request: Operations[Name]['request'],
  ): Promise<Operations[Name]['answer']> {
    if (this.#closed) throw new EngineError('canceled', 'the connection to the supervisor was closed');
    if (!this.#socket) await this.open();
    this.#number += 1;
    const number = this.#number;
    return new Promise((resolve, reject) => {
      this.#waiting.set(number, { resolve, reject });
      this.#socket!.write(encodeLine({ number, op, request } as Call));
    });
  }

  async #connect(): Promise<void> {
    const socket = await this.#reach();
    if (this.#closed) {
      socket.destroy();
      throw new EngineError('canceled', 'the connection to the supervisor was closed');
    }
    this.#socket = socket;
    let begun = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      const lines = (begun + chunk).split('\n');
      begun = lines.pop()!;
      for (const line of lines) this.#receive(JSON.parse(line) as Answer | ExitEvent);
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      if (this.#socket !== socket) return;
      this.#socket = undefined;
      this.#subscribed = false;
      this.#lose(new EngineError('unavailable', 'the supervisor has gone away'));
      if (!this.#closed) this.#comeBack();
    });
    if (this.#listeners.length > 0) this.#subscribe();
  }

  /** An exit must be heard of even if nobody asks for anything. */
  #comeBack(): void {
    this.open().then(
      () => this.#options.onReconnect?.(),
      () => {},
    );
  }

  #subscribe(): void {
    this.#subscribed = true;
    this.#call('subscribe', null).catch(() => {});
  }

  #receive(message: Answer | ExitEvent): void {
    if ('exit' in message) {
      const { exit } = message;
      for (const listener of this.#listeners) listener(exit);
      if (exit.execId !== undefined) this.#call('acknowledge', { id: exit.id, execId: exit.execId }).catch(() => {});
      return;
    }
    const waiting = this.#waiting.get(message.number);
    this.#waiting.delete(message.number);
    if ('error' in message) waiting?.reject(fromWireError(message.error));
    else waiting?.resolve(message.answer as never);
  }

  #lose(error: Error): void {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(error);
  }

  async #reach(): Promise<Socket> {
    let child: ChildProcess | undefined;
    const deadline = Date.now() + startLimit;
    for (let wait = 1; ; wait = Math.min(wait * 2, longestWait)) {
      try {
        return await openLiveSocket(this.#path());
      } catch (error) {
        if (!isAbsent(error)) throw error;
        if (this.#closed || Date.now() > deadline) {
          throw new EngineError('unavailable', `cannot reach the supervisor in ${this.#options.execRoot}`, {
            cause: error,
          });
        }
      }
      // One that ended at once found another that holds the lock, or could not run: its log says which.
      if (!child || (child.exitCode !== null && wait >= longestWait)) child = startSupervisor(this.#options);
      await delay(wait);
    }
  }

  /** A socket's address holds 107 bytes: a longer exec-root is reached through a descriptor of the directory. */
  #path(): string {
    const directory = supervisorDirectory(this.#options.execRoot);
    const path = `${directory}/${socketName}`;
    if (Buffer.byteLength(path) <= longestAddress) return path;
    if (this.#directory === undefined) {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      this.#directory = openSync(directory, 'r');
    }
    return `/proc/self/fd/${this.#directory}/${socketName}`;
  }
}

/** In a session of its own, so that nothing that ends the daemon ends it too. */
function startSupervisor({ execRoot, spawn: command }: ConnectSupervisor): ChildProcess {
  const directory = supervisorDirectory(execRoot);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const log = openSync(`${directory}/supervisor.log`, 'a', 0o600);
  try {
    const [program = '', ...args] = command;
    const child = spawn(program, [...args, '--exec-root', execRoot, '--command', JSON.stringify(command)], {
      detached: true,
      stdio: ['ignore', log, log],
      cwd: '/',
    });
    child.on('error', () => {});
    child.unref();
    return child;
  } finally {
    closeSync(log);
  }
}

/** One that is being killed may still take a connection: only an answer shows that it lives. */
async function openLiveSocket(path: string): Promise<Socket> {
  const socket = await openSocket(path);
  socket.write(encodeLine({ number: 0, op: 'ping', request: null }));
  await readLine(socket);
  return socket;
}

function isAbsent(error: unknown): boolean {
  return hasErrno(error, 'ENOENT') || hasErrno(error, 'ECONNREFUSED') || isErrorCode(error, 'unavailable');
}

function openSocket(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path, allowHalfOpen: true });
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
    socket.once('error', reject);
  });
}

/** The first line of a socket; what follows it is left to be read. */
function readLine(socket: Socket): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const chunks: Buffer[] = [];
  const gone = () => reject(new EngineError('unavailable', 'the supervisor has gone away'));
  const read = () => {
    for (let chunk = socket.read() as Buffer | null; chunk !== null; chunk = socket.read() as Buffer | null) {
      const end = chunk.indexOf(10);
      if (end < 0) {
        chunks.push(chunk);
        continue;
      }
      socket.off('readable', read);
      socket.off('error', gone);
      socket.off('close', gone);
      if (end + 1 < chunk.length) socket.unshift(chunk.subarray(end + 1));
      resolve(Buffer.concat([...chunks, chunk.subarray(0, end)]).toString());
      return;
    }
  };
  socket.on('readable', read);
  socket.once('error', gone);
  socket.once('close', gone);
  return promise;
}
