/** The closed set of the specification. distribution-spec, "Error Codes" */
export type RegistryErrorCode =
  | 'BLOB_UNKNOWN'
  | 'BLOB_UPLOAD_INVALID'
  | 'BLOB_UPLOAD_UNKNOWN'
  | 'DIGEST_INVALID'
  | 'MANIFEST_BLOB_UNKNOWN'
  | 'MANIFEST_INVALID'
  | 'MANIFEST_UNKNOWN'
  | 'NAME_INVALID'
  | 'NAME_UNKNOWN'
  | 'SIZE_INVALID'
  | 'UNAUTHORIZED'
  | 'DENIED'
  | 'UNSUPPORTED'
  | 'TOOMANYREQUESTS';

/** The status of a code where the case has none of its own. */
const statusOfCode = {
  BLOB_UNKNOWN: 404,
  BLOB_UPLOAD_INVALID: 400,
  BLOB_UPLOAD_UNKNOWN: 404,
  DIGEST_INVALID: 400,
  MANIFEST_BLOB_UNKNOWN: 400,
  MANIFEST_INVALID: 400,
  MANIFEST_UNKNOWN: 404,
  NAME_INVALID: 400,
  NAME_UNKNOWN: 404,
  SIZE_INVALID: 400,
  UNAUTHORIZED: 401,
  DENIED: 403,
  UNSUPPORTED: 405,
  TOOMANYREQUESTS: 429,
} as const satisfies Record<RegistryErrorCode, number>;

export interface RegistryErrorOptions {
  readonly status?: number;
  /** Goes into the body's `detail`. */
  readonly detail?: unknown;
  /** As `detail`, where one answer carries several errors of the same code. */
  readonly details?: readonly unknown[];
  readonly headers?: Readonly<Record<string, string>>;
  /** Logged, never sent. */
  readonly cause?: unknown;
}

/** What a client of the registry is told went wrong. */
export class RegistryError extends Error {
  readonly code: RegistryErrorCode;
  readonly status: number;
  readonly details: readonly unknown[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: RegistryErrorCode, message: string, options: RegistryErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'RegistryError';
    this.code = code;
    this.status = options.status ?? statusOfCode[code];
    this.details = options.details ?? [options.detail];
    this.headers = options.headers ?? {};
  }
}

/** The body that every failure has. */
export function formatErrors(code: string, message: string, details: readonly unknown[] = [undefined]): string {
  const errors = details.map((detail) => ({ code, message, ...(detail !== undefined && { detail }) }));
  return `${JSON.stringify({ errors })}\n`;
}
