import { join } from 'node:path';

/** A layer's files, ready to be an overlay's lower directory: `<data-root>/layers/<hex of the diffId>`. */
export function layerDirectory(dataRoot: string, diffId: string): string {
  const hex = /^sha256:([0-9a-f]{64})$/.exec(diffId)?.[1];
  if (hex === undefined) throw new TypeError(`Cannot find a layer: ${JSON.stringify(diffId)} is no sha256 diffId`);
  return join(dataRoot, 'layers', hex);
}
