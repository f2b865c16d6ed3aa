/** A command line that cannot be understood. `kind` decides what is printed after the message, and the exit code. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
