import { posix } from 'node:path';

/** What is copied, by the path that the user wrote. */
export interface CopySource {
  readonly path: string;
  readonly isDirectory: boolean;
}

export interface CopyDestination {
  readonly path: string;
  readonly exists: boolean;
  readonly isDirectory: boolean;
}

export interface CopyPlan {
  /** Where the archive is unpacked. */
  readonly directory: string;
  /** The name that the archive's members begin with, and what takes its place. */
  readonly rename: { readonly from: string; readonly to: string } | undefined;
}

/**
 * As cp(1) and docker: into a directory that is there, else by that name. A source that ends with `/.` is what is in
 * it. Throws `cannot copy directory` onto a file, `no such directory` for a name that ends like one.
 */
export function planCopy(source: CopySource, destination: CopyDestination): CopyPlan {
  if (destination.exists && destination.isDirectory) return { directory: destination.path, rename: undefined };
  if (destination.exists && source.isDirectory) throw new Error('cannot copy directory');
  if (!destination.exists && !source.isDirectory && namesDirectory(destination.path)) {
    throw new Error('no such directory');
  }
  const { directory, base } = splitEntry(destination.path);
  return { directory, rename: { from: splitEntry(source.path).base, to: base } };
}

/** The directory that a path is in and its name there; `.` for what is in it. */
export function splitEntry(path: string): { directory: string; base: string } {
  const clean = cleaned(path);
  if (endsWithDot(path)) return { directory: clean, base: '.' };
  return { directory: posix.dirname(clean), base: posix.basename(clean) || '/' };
}

/** A member's name with the first part changed. */
export function renameMember(name: string, { from, to }: NonNullable<CopyPlan['rename']>): string {
  if (from === '/') return posix.join(to, name);
  if (name === from || name.startsWith(`${from}/`)) return to + name.slice(from.length);
  return name;
}

function cleaned(path: string): string {
  const clean = posix.normalize(path);
  return clean.length > 1 ? clean.replace(/\/+$/, '') : clean;
}

function endsWithDot(path: string): boolean {
  return path === '.' || path.endsWith('/.');
}

function namesDirectory(path: string): boolean {
  return path.endsWith('/') || endsWithDot(path);
}

/** `container:path`, or a path of this machine: one that starts with `.` or `/`, or has no colon. */
export function splitArgument(argument: string): { container: string; path: string } {
  const colon = argument.indexOf(':');
  if (argument.startsWith('/') || argument.startsWith('.') || colon <= 0) return { container: '', path: argument };
  return { container: argument.slice(0, colon), path: argument.slice(colon + 1) };
}
