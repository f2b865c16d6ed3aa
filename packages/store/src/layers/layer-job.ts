import type { ErrorCode } from '@wharf/base/error';
import type { Compression } from '@wharf/oci/layer/compression';
import type { CopyRequest } from './copy-layer.ts';
import type { UnpackedLayer } from './layer-unpacker.ts';
import type { SealRequest } from './seal-layer.ts';

/** What the main thread tells a layer worker. A worker does one job at a time. */
export type LayerRequest =
  /** Unpacks a tar that follows in chunks, maybe compressed, into an empty directory. */
  | ({ readonly kind: 'apply' } & ApplyRequest)
  | { readonly kind: 'chunk'; readonly bytes: Uint8Array }
  /** So many bytes of the file may be read by now. */
  | { readonly kind: 'grown'; readonly length: number }
  | { readonly kind: 'end' }
  /** Sends the layer's tar, made again from its directory, as it is or as gzip. */
  | { readonly kind: 'assemble'; readonly parts: LayerParts; readonly diffId: string; readonly gzip?: boolean }
  /** Makes a layer of a copy of a directory; answers `sealed`. */
  | ({ readonly kind: 'copy' } & CopyRequest)
  /** Finds out which layer a directory is; answers `sealed`. */
  | ({ readonly kind: 'seal' } & SealRequest)
  /** Waits until the directory's file system is on disk; answers `sent`. */
  | { readonly kind: 'sync'; readonly directory: string }
  /** Allows one more chunk. */
  | { readonly kind: 'more' }
  | { readonly kind: 'abort' };

export interface ApplyRequest {
  readonly directory: string;
  readonly blob: BlobOption;
  /** Undefined: it is a new layer, and unpacked as it comes. */
  readonly known?: KnownLayers;
}

/** Layers that need no unpacking. */
export interface KnownLayers {
  readonly diffIds: readonly string[];
  /** Which layer a plain tar is, where the archive says so. */
  readonly expected?: string | undefined;
}

/**
 * `compressed` keeps the bytes as they came at `path` if they were compressed, since only they have the digest that
 * a manifest names; a plain tar is made again from the layer. `file`: they are on disk at `path` already, and are read
 * from there as the file grows.
 */
export type BlobOption =
  | { readonly keep: 'never' }
  | { readonly keep: 'compressed'; readonly path: string }
  | { readonly keep: 'file'; readonly path: string };

/** The directories of a stored layer: its files, and how to make its tar again. */
export interface LayerParts {
  readonly layer: string;
  readonly tar: string;
}

export interface AppliedLayer extends UnpackedLayer {
  /** It is here already: the directory is empty. */
  readonly known: boolean;
  /** Of the bytes as they came. */
  readonly blob: { readonly digest: string; readonly size: number; readonly compression: Compression };
}

export type LayerAnswer =
  /** Of a file: all bytes that have been taken so far. */
  | { readonly kind: 'taken'; readonly length: number }
  | { readonly kind: 'applied'; readonly layer: AppliedLayer }
  | { readonly kind: 'sealed'; readonly layer: UnpackedLayer }
  | { readonly kind: 'chunk'; readonly bytes: Uint8Array }
  | { readonly kind: 'sent' }
  /** Nothing of the job is left open, and nothing more will be said of it. */
  | { readonly kind: 'aborted' }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string };
