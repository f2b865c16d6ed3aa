import type { Duplex } from 'node:stream';

/** What of its client's a build's steps may use: secrets and agents. */
export interface ClientKeys {
  /** undefined where the client has no such secret. */
  secret(id: string): Promise<Uint8Array | undefined>;
  /** Rejects where the client does not forward this agent. */
  checkSsh(id: string): Promise<void>;
  /** One connection to the client's agent. */
  openSsh(id: string): Duplex;
}

/** A directory of the client, and what of it a build reads. */
export interface LocalRequest {
  /** `context`, `dockerfile`, or a named context. */
  readonly name: string;
  readonly includePatterns: readonly string[];
  readonly excludePatterns: readonly string[];
  /** Of these, links are followed and what they lead to is sent as well. */
  readonly followPaths: readonly string[];
  /** What may differ: `none` takes the client's word; `metadata` (default) compares size and time. */
  readonly differ: 'none' | 'metadata';
}

/**
 * The last tree that came from one client directory, about to become what the client has now. Entries come in the
 * order of fsutil's walk (a directory before its content, names compared component by component); what is not named
 * is removed at `finish`.
 */
export interface ReceivedTree {
  /** True where the content of this file must be sent: it is new, or differs from what is here. */
  entry(entry: ReceivedEntry): boolean;
  /** Content of an entry that was asked for, in order; several files may be under way at once. */
  write(path: string, bytes: Uint8Array): void;
  endFile(path: string): void;
  /** All is here. Throws where a file that was asked for did not come. */
  finish(): Promise<void>;
}

/** As fsutil's `types.Stat`. Paths have no leading slash. */
export interface ReceivedEntry {
  readonly path: string;
  /** Go's os.FileMode: kind in the high bits, setuid and sticky among them. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Nanoseconds since 1970. */
  readonly modTime: bigint;
  /** Of a symbolic link its target; of a regular file the earlier path that it is a hard link to. */
  readonly linkname: string;
  readonly devmajor: number;
  readonly devminor: number;
  readonly xattrs: ReadonlyMap<string, Uint8Array>;
}
