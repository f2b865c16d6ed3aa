/** The closed set of things that can go wrong; each wire maps it exhaustively. */
export type ErrorCode =
  | 'invalid_argument'
  | 'unauthenticated'
  | 'permission_denied'
  | 'not_found'
  | 'already_exists'
  | 'conflict'
  | 'not_modified'
  | 'not_implemented'
  | 'unavailable'
  | 'canceled'
  | 'deadline_exceeded'
  | 'data_loss'
  | 'internal';

/** Refines a code where a client must act on the difference. */
export type ErrorReason = 'cmd_not_found' | 'cmd_not_executable' | 'image_not_found' | 'name_in_use' | 'port_in_use';

export interface EngineErrorOptions {
  readonly reason?: ErrorReason;
  /** Logged, never sent. */
  readonly cause?: unknown;
}

/** The one error class of the engine: `code` is for programs, `message` is Docker's exact text for people. */
export class EngineError extends Error {
  readonly code: ErrorCode;
  readonly reason: ErrorReason | undefined;

  constructor(code: ErrorCode, message: string, options: EngineErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'EngineError';
    this.code = code;
    this.reason = options.reason;
  }

  /** The only way in for a thrown value of unknown origin; runs once at each border. */
  static from(thrown: unknown): EngineError {
    if (thrown instanceof EngineError) return thrown;
    if (thrown instanceof Error) {
      const code = thrown.name === 'AbortError' ? 'canceled' : 'internal';
      return new EngineError(code, thrown.message, { cause: thrown });
    }
    return new EngineError('internal', String(thrown), { cause: thrown });
  }
}

export function invalidArgument(message: string, options?: EngineErrorOptions): EngineError {
  return new EngineError('invalid_argument', message, options);
}

export function notFound(message: string, options?: EngineErrorOptions): EngineError {
  return new EngineError('not_found', message, options);
}

export function conflict(message: string, options?: EngineErrorOptions): EngineError {
  return new EngineError('conflict', message, options);
}

/** A clear 501: `what` names the option or endpoint that is not supported yet. */
export function notImplemented(what: string): EngineError {
  return new EngineError('not_implemented', `${what} is not supported by wharfd yet`);
}

/** True for an `EngineError` of this code. */
export function isErrorCode(thrown: unknown, code: ErrorCode): thrown is EngineError {
  return thrown instanceof EngineError && thrown.code === code;
}
