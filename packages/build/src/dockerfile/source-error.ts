import { EngineError, type EngineErrorOptions, type ErrorCode } from '@wharf/base/error';

/** Lines from 1, characters from 0, as pb.Range. */
export interface SourceRange {
  readonly start: SourcePosition;
  readonly end: SourcePosition;
}

export interface SourcePosition {
  readonly line: number;
  readonly character: number;
}

export interface SourceFile {
  readonly filename: string;
  readonly data: Uint8Array;
  readonly language: string;
}

/** Something wrong with a Dockerfile: clients show the lines of `ranges` below the message. */
export class SourceError extends EngineError {
  readonly ranges: readonly SourceRange[];
  readonly file: SourceFile | undefined;

  constructor(
    message: string,
    ranges: readonly SourceRange[],
    options: EngineErrorOptions & { readonly code?: ErrorCode; readonly file?: SourceFile } = {},
  ) {
    super(options.code ?? 'invalid_argument', message, options);
    this.name = 'SourceError';
    this.ranges = ranges;
    this.file = options.file;
  }
}

export function lineRange(start: number, end = start): SourceRange[] {
  return [{ start: { line: start, character: 0 }, end: { line: end, character: 0 } }];
}

/** The error with a place, unless it has one already: the innermost place is the most exact. */
export function locate(thrown: unknown, ranges: readonly SourceRange[], prefix = ''): EngineError {
  const error = EngineError.from(thrown);
  if (error instanceof SourceError && error.ranges.length > 0 && prefix === '') return error;
  const at = error instanceof SourceError && error.ranges.length > 0 ? error.ranges : ranges;
  return new SourceError(prefix + error.message, at, { code: error.code, cause: error.cause ?? error });
}

/** Runs `body`; what it throws points at `ranges`. */
export function locating<T>(ranges: readonly SourceRange[], body: () => T): T {
  try {
    return body();
  } catch (thrown) {
    throw locate(thrown, ranges);
  }
}
