import { EngineError, type ErrorCode, type ErrorReason } from '@wharf/base/error';
import type { AttachStreams, CreateProcess, ExecProcess, ProcessExit, ProcessState, WindowSize } from './supervisor.ts';

/**
 * The wire between daemon and supervisor: a unix stream socket with one JSON object a line. A connection begins
 * either as control (`Call` lines, answered by `Answer` in any order, `ExitEvent` between them) or, with an
 * `AttachCall` as its first line, becomes the stdio of a process after one `Answer`: from then on bytes.
 */
export interface Operations {
  create: { request: CreateProcess; answer: { pid: number } };
  start: { request: { id: string }; answer: null };
  exec: { request: ExecProcess; answer: { pid: number } };
  kill: { request: { id: string; execId?: string; signal: number; all: boolean }; answer: null };
  resize: { request: { id: string; execId?: string; size: WindowSize }; answer: null };
  list: { request: null; answer: ProcessState[] };
  delete: { request: { id: string }; answer: null };
  drained: { request: { id: string }; answer: null };
  delivered: { request: { id: string; patience: number }; answer: null };
  /** Replaces the supervisor's program; answered by the new one. */
  upgrade: { request: { command: readonly string[] }; answer: null };
  ping: { request: null; answer: { pid: number; version: string } };
  /** Ends the supervisor once no process is left and nobody is connected. False if processes are left now. */
  stop: { request: null; answer: { stopping: boolean } };
  /** From now on exits arrive as events, those first that were not acknowledged. */
  subscribe: { request: null; answer: null };
  /** An exec's exit has been taken note of: its record may go. A container's stays until `delete`. */
  acknowledge: { request: { id: string; execId: string }; answer: null };
}

export type Operation = keyof Operations;

export type Call = {
  [Name in Operation]: { readonly number: number; readonly op: Name; readonly request: Operations[Name]['request'] };
}[Operation];

export interface AttachCall {
  readonly number: number;
  readonly op: 'attach';
  readonly request: { readonly id: string; readonly execId?: string; readonly streams: AttachStreams };
}

export type Answer =
  | { readonly number: number; readonly answer: unknown }
  | { readonly number: number; readonly error: WireError };

export interface ExitEvent {
  readonly exit: ProcessExit;
}

export interface WireError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly reason?: ErrorReason;
}

export function toWireError(thrown: unknown): WireError {
  const { code, message, reason } = EngineError.from(thrown);
  return { code, message, ...(reason !== undefined && { reason }) };
}

export function fromWireError({ code, message, reason }: WireError): EngineError {
  return new EngineError(code, message, reason === undefined ? {} : { reason });
}

export function encodeLine(message: Call | AttachCall | Answer | ExitEvent): Buffer {
  return Buffer.from(`${JSON.stringify(message)}\n`);
}

/** A line longer than this is no message of ours. An exec's process with a huge environment fits. */
export const longestMessage = 16 * 1024 * 1024;

/** Changes whenever an older daemon and a newer supervisor would not understand each other. */
export const protocolVersion = '1';

export const socketName = 'supervisor.sock';

/** Where the supervisor of an exec-root keeps its socket, lock and records. */
export function supervisorDirectory(execRoot: string): string {
  return `${execRoot}/supervisor`;
}
