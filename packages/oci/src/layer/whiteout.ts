import { invalidArgument } from '@wharf/base/error';
import type { ByteString } from './tar-header.ts';

/** image-spec/layer.md#whiteouts */
export const whiteoutPrefix = '.wh.';
export const opaqueWhiteout = '.wh..wh..opq';
const metaPrefix = '.wh..wh.';

/** aufs' own bookkeeping (`.wh..wh.plnk/...`): no content of the layer. */
export function isAufsMetadata(components: readonly ByteString[]): boolean {
  return components.some((component) => component.startsWith(metaPrefix) && component !== opaqueWhiteout);
}

export type Whiteout =
  /** Hides `name` of the layers below. */
  | { readonly kind: 'hide'; readonly name: ByteString }
  /** Hides all that the layers below have in this directory. */
  | { readonly kind: 'opaque' };

/** What the last component of a member's name means; undefined for an ordinary file. */
export function parseWhiteout(base: ByteString): Whiteout | undefined {
  if (!base.startsWith(whiteoutPrefix)) return undefined;
  if (base === opaqueWhiteout) return { kind: 'opaque' };
  const name = base.slice(whiteoutPrefix.length);
  if (name === '' || name === '.' || name === '..') throw invalidArgument(`invalid whiteout name: ${base}`);
  return { kind: 'hide', name };
}
