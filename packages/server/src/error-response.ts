import { EngineError, type ErrorCode } from '@wharf/base/error';
import { type HttpStatus, HttpSyntaxError } from './http/status.ts';

/** The one place where an error's code becomes a status. */
export const statusOfCode = {
  invalid_argument: 400,
  unauthenticated: 401,
  permission_denied: 403,
  not_found: 404,
  already_exists: 409,
  conflict: 409,
  not_modified: 304,
  not_implemented: 501,
  unavailable: 503,
  canceled: 500,
  deadline_exceeded: 500,
  data_loss: 500,
  internal: 500,
} as const satisfies Record<ErrorCode, HttpStatus>;

export interface ErrorResponse {
  readonly status: HttpStatus;
  readonly body: { readonly message: string; readonly reason?: string };
}

/** What a client is told. The cause is for the log only. */
export function errorResponse(thrown: unknown): ErrorResponse {
  if (thrown instanceof HttpSyntaxError) return { status: thrown.status, body: { message: thrown.message } };
  const error = EngineError.from(thrown);
  const { message, reason } = error;
  return { status: statusOfCode[error.code], body: reason === undefined ? { message } : { message, reason } };
}
