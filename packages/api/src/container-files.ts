/** `X-Docker-Container-Path-Stat`: base64 of this as JSON. */
export interface PathStat {
  readonly name: string;
  readonly size: number;
  /** As Go's os.FileMode, not st_mode. */
  readonly mode: number;
  /** RFC 3339 with nanoseconds. */
  readonly mtime: string;
  /** Where a symbolic link leads in the end; '' for anything else. */
  readonly linkTarget: string;
}

/** 0 modified, 1 added, 2 deleted. */
export interface FileChange {
  readonly Path: string;
  readonly Kind: 0 | 1 | 2;
}
