import { frameHeaderSize } from '@wharf/api/streams/stdcopy';
import { closeDescriptor, readDescriptor, setPipeSize, wouldBlock } from '@wharf/sys/descriptor';
import { setWindowSize } from '@wharf/sys/pty';
import { type Reactor, readable } from '@wharf/sys/reactor';
import type { JsonFileWriter, LogPosition } from '../logs/json-file-writer.ts';
import { Attachment, type AttachmentState } from './attachment.ts';
import { Stdin } from './stdin.ts';
import type { AttachStreams, ProcessIo, WindowSize } from './supervisor.ts';

export interface StdioDeps {
  readonly reactor: Reactor;
  /** One for all: what is read is handed on before the next is read. */
  readonly scratch: Buffer;
  readonly warn: (message: string, error: unknown) => void;
  /** Told of bytes that went through, each of which leaves garbage behind. */
  readonly used: (bytes: number) => void;
}

const fullRead = 64 * 1024;
export const scratchSize = frameHeaderSize + fullRead;

const patientReads = 16;
const widePipe = 1024 * 1024;

/** What a client may leave untaken before the process is held back, and the process before its clients are. */
const patience = 256 * 1024;

/** Others may keep a pipe open after the process is gone: dockerd waits this long for its end. */
const drainLimit = 2000;
/** Milliseconds until a full log is looked at again. */
const fullWait = 50;
/** More than any pipe holds. */
const mostReads = 32;

export interface Output {
  readonly fd: number;
  readonly stream: 'stdout' | 'stderr';
}

export interface Opened {
  readonly io: ProcessIo;
  /** Non-blocking; a pty's master is the one output of stdout. */
  readonly outputs: readonly Output[];
  /** Non-blocking; of its own, also with a pty. */
  readonly stdin: number | undefined;
  readonly log: JsonFileWriter | undefined;
}

export interface StdioState {
  readonly io?: ProcessIo;
  readonly size?: WindowSize;
  readonly outputs: readonly Output[];
  readonly stdin?: { readonly fd: number; readonly rest: string; readonly ending: boolean };
  readonly early: string;
  readonly attachments: readonly AttachmentState[];
  readonly logPosition?: Readonly<Record<'stdout' | 'stderr', string>>;
  readonly exited: boolean;
}

/**
 * The stdio of one process: from its pipes or pty into the log and to every attached client, and from the clients
 * into it. It exists before the process does, so that a client can attach first.
 */
export class Stdio {
  readonly #deps: StdioDeps;
  readonly #attachments = new Set<Attachment>();
  readonly #waiting: (() => void)[] = [];
  #io: ProcessIo | undefined;
  #size: WindowSize | undefined;
  #outputs: Output[] = [];
  #stdin: Stdin | undefined;
  #early: Buffer[] = [];
  #log: JsonFileWriter | undefined;
  #logFailed = false;
  #held = false;
  #logFull = false;
  #fullReads = 0;
  #exited = false;
  #drained = false;

  constructor(deps: StdioDeps) {
    this.#deps = deps;
  }

  get drained(): boolean {
    return this.#drained;
  }

  /** Nobody has attached (or stays). */
  get idle(): boolean {
    return this.#attachments.size === 0;
  }

  /** The process exists: takes over its descriptors. Nothing is read before `begin`. */
  open({ io, outputs, stdin, log }: Opened): void {
    this.#io = io;
    this.#log = log;
    this.#outputs = [...outputs];
    if (stdin !== undefined) this.#stdin = new Stdin(this.#deps.reactor, stdin, () => this.#balanceInput());
    for (const bytes of this.#early) this.#stdin?.write(bytes);
    this.#early = [];
    if (this.#size) this.#applySize();
    for (const attachment of [...this.#attachments]) if (attachment.inputEnded) this.#inputEnded(attachment);
    this.#balanceInput();
  }

  /** What of the lines that have not ended is not in the log yet. */
  get unfinished(): LogPosition {
    return this.#log?.position ?? { stdout: '', stderr: '' };
  }

  /** Lets the output flow. */
  begin(): void {
    for (const output of this.#outputs) this.#watch(output);
  }

  attach(fd: number, streams: AttachStreams): Attachment {
    const { reactor, scratch } = this.#deps;
    const attachment = new Attachment(reactor, fd, streams, scratch, {
      input: (chunk) => this.#input(chunk),
      inputEnded: () => this.#inputEnded(attachment),
      drained: () => this.#balance(),
      closed: () => {
        this.#attachments.delete(attachment);
        this.#balance();
      },
    });
    this.#attachments.add(attachment);
    if (this.#drained) attachment.finish();
    return attachment;
  }

  resize(size: WindowSize): void {
    this.#size = size;
    if (this.#outputs.length > 0) this.#applySize();
  }

  /** The process has exited: its output ends soon. */
  exited(): void {
    this.#exited = true;
    this.#stdin?.close();
    if (!this.#drained) this.#deps.reactor.after(drainLimit, () => this.#giveUp());
  }

  /** There is no process, and none will come: attached clients read the end. */
  abandon(): void {
    for (const output of [...this.#outputs]) this.#close(output);
    this.#finish();
  }

  /** Resolves when all output is in the log. */
  whenDrained(): Promise<void> {
    if (this.#drained) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  save(): StdioState {
    const stdin = this.#stdin;
    return {
      ...(this.#io && { io: this.#io }),
      ...(this.#size && { size: this.#size }),
      outputs: this.#outputs,
      ...(stdin &&
        !stdin.closed && {
          stdin: { fd: stdin.fd, rest: stdin.rest.toString('base64'), ending: stdin.ending },
        }),
      early: Buffer.concat(this.#early).toString('base64'),
      attachments: [...this.#attachments].map((attachment) => attachment.save()),
      ...(this.#log && { logPosition: this.#log.position }),
      exited: this.#exited,
    };
  }

  restore(state: StdioState, log: JsonFileWriter | undefined): void {
    this.#size = state.size;
    const early = Buffer.from(state.early, 'base64');
    if (early.length > 0) this.#early.push(early);
    if (state.io) {
      this.open({ io: state.io, outputs: state.outputs, stdin: state.stdin?.fd, log });
      if (state.stdin) this.#stdin?.write(Buffer.from(state.stdin.rest, 'base64'));
      if (state.stdin?.ending) this.#stdin?.end();
      if (state.outputs.length === 0) this.#finish();
    }
    for (const saved of state.attachments) this.attach(saved.fd, saved.streams).restore(saved);
    if (state.exited) this.exited();
  }

  #read(output: Output): void {
    const { scratch } = this.#deps;
    const length = readDescriptor(output.fd, scratch.subarray(frameHeaderSize));
    if (length === wouldBlock) return;
    // A pty whose other side nobody holds any more says EIO.
    if (length <= 0) {
      this.#close(output);
      return;
    }
    if (length === fullRead) this.#widen(output);
    this.#deliver(output.stream, length);
  }

  /** A process that always finds its pipe full gets a larger one: fewer turns for the same bytes. */
  #widen(output: Output): void {
    if (this.#fullReads > patientReads) return;
    this.#fullReads += 1;
    if (this.#fullReads > patientReads && !this.#io?.tty) setPipeSize(output.fd, widePipe);
  }

  #deliver(stream: Output['stream'], length: number): void {
    const { scratch } = this.#deps;
    const payload = scratch.subarray(frameHeaderSize, frameHeaderSize + length);
    this.#guardLog(() => this.#log?.write(stream, payload));
    this.#deps.used(length);
    if (this.#log?.full) this.#awaitDelivery();
    if (this.#attachments.size === 0) return;
    scratch.writeUInt32BE((stream === 'stdout' ? 1 : 2) * 0x1000000, 0);
    scratch.writeUInt32BE(length, 4);
    const frame = this.#io!.tty ? payload : scratch.subarray(0, frameHeaderSize + length);
    for (const attachment of [...this.#attachments]) if (attachment.streams[stream]) attachment.send(frame);
    this.#balance();
  }

  #close(output: Output): void {
    this.#deps.reactor.unwatch(output.fd);
    closeDescriptor(output.fd);
    this.#outputs = this.#outputs.filter((other) => other !== output);
    this.#guardLog(() => this.#log?.end(output.stream));
    if (this.#outputs.length === 0) this.#finish();
  }

  #finish(): void {
    if (this.#drained) return;
    this.#drained = true;
    this.#stdin?.close();
    this.#guardLog(() => this.#log?.close());
    this.#log = undefined;
    for (const attachment of [...this.#attachments]) attachment.finish();
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Takes what is there, and no longer waits for those who keep a pipe open. */
  #giveUp(): void {
    if (this.#drained) return;
    if (this.#held) {
      this.#deps.reactor.after(drainLimit, () => this.#giveUp());
      return;
    }
    const { scratch } = this.#deps;
    for (const output of [...this.#outputs]) {
      for (let count = 0; count < mostReads; count++) {
        const length = readDescriptor(output.fd, scratch.subarray(frameHeaderSize));
        if (length <= 0) break;
        this.#deliver(output.stream, length);
      }
      this.#close(output);
    }
  }

  /** Nothing is read while the log has no place for it. What a process that has exited left behind is written all the same. */
  #awaitDelivery(): void {
    const full = !this.#exited && this.#log?.full === true;
    if (full) this.#deps.reactor.after(fullWait, () => this.#awaitDelivery());
    if (full === this.#logFull) return;
    this.#logFull = full;
    this.#balance();
  }

  /** Holds the process back while a client is slow, or its log full. A pipe that nobody reads is out of the set: it would report its end for ever. */
  #balance(): void {
    const held = this.#logFull || [...this.#attachments].some(({ pending }) => pending > patience);
    if (held === this.#held) return;
    this.#held = held;
    for (const output of this.#outputs) {
      if (held) this.#deps.reactor.unwatch(output.fd);
      else this.#watch(output);
    }
  }

  #watch(output: Output): void {
    this.#deps.reactor.watch(output.fd, readable, () => this.#read(output));
  }

  #input(chunk: Buffer): boolean {
    if (this.#io === undefined) this.#early.push(Buffer.from(chunk));
    else this.#stdin?.write(chunk);
    return this.#inputPending < patience;
  }

  get #inputPending(): number {
    return this.#stdin?.pending ?? this.#early.reduce((sum, { length }) => sum + length, 0);
  }

  #balanceInput(): void {
    if (this.#inputPending < patience) for (const attachment of this.#attachments) attachment.wantInput(true);
  }

  /** As dockerd's attach: the end of stdin is the process' where it was asked for, else it is the attachment's. */
  #inputEnded(attachment: Attachment): void {
    if (!this.#io?.stdin) return;
    if (this.#io.stdinOnce && !this.#io.tty) this.#stdin?.end();
    else attachment.finish();
  }

  #applySize(): void {
    const [terminal] = this.#outputs;
    if (!this.#io?.tty || !terminal || !this.#size) return;
    try {
      setWindowSize(terminal.fd, this.#size);
    } catch (error) {
      this.#deps.warn('resizing a terminal', error);
    }
  }

  /** A log that cannot be written must not stop the container: dockerd says so and goes on. */
  #guardLog(write: () => void): void {
    try {
      write();
    } catch (error) {
      if (!this.#logFailed) this.#deps.warn('writing a log', error);
      this.#logFailed = true;
    }
  }
}
