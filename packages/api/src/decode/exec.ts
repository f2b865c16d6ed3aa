import { boolean, type Decoder, integer, list, nullable, struct, text } from '@wharf/base/decode';
import type { ExecCreateRequest, ExecStartRequest } from '../exec.ts';

/** Go's `[2]uint`: what is missing is 0, what is too much is dropped. */
export const consoleSize: Decoder<[height: number, width: number]> = (value, path) => {
  const [height = 0, width = 0] = list(integer)(value, path) ?? [];
  return [height, width];
};

export const execCreateRequest = struct<ExecCreateRequest>('ExecCreateRequest', {
  User: text,
  Privileged: boolean,
  Tty: boolean,
  ConsoleSize: nullable(consoleSize),
  AttachStdin: boolean,
  AttachStdout: boolean,
  AttachStderr: boolean,
  DetachKeys: text,
  Env: list(text),
  WorkingDir: text,
  Cmd: list(text),
});

export const execStartRequest = struct<ExecStartRequest>('ExecStartRequest', {
  Detach: boolean,
  Tty: boolean,
  ConsoleSize: nullable(consoleSize),
});
