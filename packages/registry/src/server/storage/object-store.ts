/** Named objects, on a disk or in a bucket. Keys are relative paths made of checked names only: see keys.ts. */
export interface ObjectStore {
  /** A small object, whole. */
  read(key: string): Promise<Buffer | undefined>;
  /** Visible only when whole; durable when it resolves, unless told that it need not be. */
  write(key: string, bytes: Uint8Array | string, options?: { readonly durable?: boolean }): Promise<void>;
  /** Makes the object's `modified` now. False if there is no such object. */
  touch(key: string): Promise<boolean>;
  stat(key: string): Promise<ObjectStat | undefined>;
  /** No error where there is none. */
  remove(key: string): Promise<void>;
  /** Every object below a prefix that ends with a slash, in no order. */
  list(prefix: string): AsyncIterable<ListedObject>;
  /** Names directly below a prefix, sorted by bytes; directories without their slash. */
  children(prefix: string): Promise<string[]>;
  /** Bytes of an object as the body of an answer. */
  body(key: string, range: ByteRange, options: BodyOptions): Promise<ObjectBody | undefined>;
  close(): Promise<void>;
}

export interface ObjectStat {
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
}

export interface ListedObject extends ObjectStat {
  readonly key: string;
}

/** From `start` up to, not including, `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export interface BodyOptions {
  readonly signal: AbortSignal;
  /** The bytes themselves, whatever clients are sent to. */
  readonly direct?: boolean;
}

/** A body to send, or the address that the client may fetch it from by itself. */
export type ObjectBody =
  | { readonly kind: 'body'; readonly body: Blob | ReadableStream<Uint8Array> }
  | { readonly kind: 'redirect'; readonly location: string };
