import { EngineError, type ErrorCode } from '@wharf/base/error';

/** An answer of a gRPC server that is no success. */
export class GrpcError extends Error {
  override name = 'GrpcError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

// https://grpc.github.io/grpc/core/md_doc_statuscodes.html
export const grpcStatus = {
  ok: 0,
  canceled: 1,
  unknown: 2,
  invalidArgument: 3,
  notFound: 5,
  alreadyExists: 6,
  resourceExhausted: 8,
  failedPrecondition: 9,
  unimplemented: 12,
  unavailable: 14,
} as const;

const ofCode: Partial<Record<ErrorCode, number>> = {
  canceled: grpcStatus.canceled,
  invalid_argument: grpcStatus.invalidArgument,
  not_found: grpcStatus.notFound,
  not_implemented: grpcStatus.unimplemented,
  unavailable: grpcStatus.unavailable,
};

/** What calls fail with whose other side has gone. */
export function connectionLost(): GrpcError {
  return new GrpcError(grpcStatus.canceled, 'context canceled');
}

export function resourceExhausted(message: string): GrpcError {
  return new GrpcError(grpcStatus.resourceExhausted, message);
}

/** What trailers say of an error. */
export function trailersOf(error: unknown): Record<string, string> {
  const status = error instanceof GrpcError ? error.status : statusOf(error);
  const message = error instanceof Error ? error.message : String(error);
  return { 'grpc-status': String(status), 'grpc-message': encodeMessage(message) };
}

/** The status of an error's code. */
export function grpcCodeOf(code: ErrorCode): number {
  return ofCode[code] ?? grpcStatus.unknown;
}

function statusOf(error: unknown): number {
  // Clients print the name of any other status before the message.
  if (error instanceof EngineError && 'exitCode' in error && error.exitCode !== undefined) return grpcStatus.unknown;
  return error instanceof EngineError ? grpcCodeOf(error.code) : grpcStatus.unknown;
}

/** The error that trailers tell of; undefined where they tell of success. */
export function errorFromTrailers(trailers: Readonly<Record<string, unknown>>): GrpcError | undefined {
  const status = Number(trailers['grpc-status'] ?? grpcStatus.unknown);
  if (status === grpcStatus.ok) return undefined;
  return new GrpcError(status, decodeMessage(String(trailers['grpc-message'] ?? '')));
}

/** Percent-encoded where it is not printable ASCII. */
function encodeMessage(message: string): string {
  return Buffer.from(message).reduce(
    (text, byte) =>
      text +
      (byte >= 0x20 && byte <= 0x7e && byte !== 0x25
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`),
    '',
  );
}

function decodeMessage(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
