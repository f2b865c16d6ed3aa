import { EngineError } from '@wharf/base/error';
import type { Digest } from '@wharf/oci/digest';

/** A step that failed, and which one it was. */
export class SolveError extends EngineError {
  readonly vertex: Digest;
  readonly exitCode: number | undefined;

  constructor(vertex: Digest, cause: unknown, exitCode?: number) {
    const { code, message } = EngineError.from(cause);
    super(code, message, { cause });
    this.name = 'SolveError';
    this.vertex = vertex;
    this.exitCode = exitCode;
  }
}

/** A command that ended with another code than 0. */
export class CommandError extends EngineError {
  readonly args: readonly string[];
  readonly exitCode: number;

  constructor(args: readonly string[], exitCode: number) {
    super(
      'invalid_argument',
      `process ${JSON.stringify(args.join(' '))} did not complete successfully: exit code: ${exitCode}`,
    );
    this.name = 'CommandError';
    this.args = args;
    this.exitCode = exitCode;
  }
}

/** A path that an operation reads is not there. */
export class MissingPathError extends EngineError {
  readonly path: string;
  /** Who reads it: COPY and ADD of the client's files, or of a stage or an image, or a mount. */
  readonly reader: 'context' | 'stage' | 'mount';

  constructor(path: string, ref: string, reader: MissingPathError['reader']) {
    const shown = JSON.stringify(path);
    super('not_found', `failed to compute cache key: failed to calculate checksum of ref ${ref}: ${shown}: not found`);
    this.name = 'MissingPathError';
    this.path = path;
    this.reader = reader;
  }
}
