import { invalidArgument } from '@wharf/base/error';
import type { ExporterAttributes } from './exporter-attributes.ts';

/** How the layers of an image or a cache are packed. */
export interface LayerFormat {
  /** undefined leaves it to where they go. */
  readonly compression: LayerCompression | undefined;
  /** undefined is the compressor's own. */
  readonly level: number | undefined;
  /** Those of base images are packed like that as well. */
  readonly force: boolean;
  /** Media types of OCI, else Docker's. */
  readonly ociTypes: boolean;
}

export type LayerCompression = 'uncompressed' | 'gzip' | 'zstd';

const compressions = ['uncompressed', 'gzip', 'zstd'] as const;
const levels = { uncompressed: [0, 0], gzip: [0, 9], zstd: [1, 22] } as const;

export function takeLayerFormat(attributes: ExporterAttributes): LayerFormat {
  const compression = attributes.choice('compression', compressions);
  const level = attributes.integer('compression-level');
  const [lowest, highest] = levels[compression ?? 'gzip'];
  if (level !== undefined && (level < lowest || level > highest)) {
    throw invalidArgument(`invalid compression-level ${level}: ${compression ?? 'gzip'} has ${lowest} to ${highest}`);
  }
  const force = attributes.flag('force-compression') ?? false;
  return {
    compression: compression ?? (level !== undefined || force ? 'gzip' : undefined),
    level,
    force,
    ociTypes: attributes.flag('oci-mediatypes') ?? true,
  };
}
