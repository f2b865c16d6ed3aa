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

/** What a mount is to show is not there. */
export function missingSource(selector: string): EngineError {
  return new EngineError('not_found', `failed to compute cache key: ${JSON.stringify(selector)}: not found`);
}
