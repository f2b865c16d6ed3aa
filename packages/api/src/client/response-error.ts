import { EngineError, type ErrorCode, type ErrorReason } from '@wharf/base/error';

/** What the daemon answered instead of a result; `message` is the daemon's own text. */
export class ResponseError extends EngineError {
  readonly status: number;

  constructor(status: number, message: string, reason?: ErrorReason) {
    super(codeOfStatus(status), message, reason === undefined ? {} : { reason });
    this.status = status;
  }
}

/** Nobody answered at the address. */
export class ConnectionError extends EngineError {
  readonly address: string;

  constructor(address: string, message: string, cause?: unknown) {
    super('unavailable', message, cause === undefined ? {} : { cause });
    this.address = address;
  }
}

/** The body of a failed request: `{"message": "..."}`, or text of an older or foreign server. */
export function decodeFailure(status: number, reason: string, body: string): ResponseError {
  const text = body.trim();
  try {
    const decoded: unknown = JSON.parse(text);
    if (typeof decoded === 'object' && decoded !== null && 'message' in decoded) {
      const refined = 'reason' in decoded ? reasonOf(decoded.reason) : undefined;
      return new ResponseError(status, String(decoded.message).trim(), refined);
    }
  } catch {
    // Not JSON: the text itself is the message.
  }
  return new ResponseError(status, text || `request returned ${status} ${reason}`);
}

const reasons: readonly ErrorReason[] = [
  'cmd_not_found',
  'cmd_not_executable',
  'image_not_found',
  'name_in_use',
  'port_in_use',
];

function reasonOf(value: unknown): ErrorReason | undefined {
  return reasons.find((reason) => reason === value);
}

function codeOfStatus(status: number): ErrorCode {
  if (status === 400) return 'invalid_argument';
  if (status === 401) return 'unauthenticated';
  if (status === 403) return 'permission_denied';
  if (status === 404) return 'not_found';
  if (status === 409) return 'conflict';
  if (status === 501) return 'not_implemented';
  if (status === 503) return 'unavailable';
  return 'internal';
}
