import type { Platform } from '@wharf/oci/platform';
import { parseReference } from '@wharf/oci/reference';
import type { Material } from './build-record.ts';

/** A base image by its package URL, as BuildKit's provenance names it; undefined for one without a digest. */
export function imageMaterial(text: string, platform: Platform | undefined): Material | undefined {
  const { domain, path, tag, digest } = parseReference(text);
  if (digest === undefined) return undefined;
  const name = domain === 'docker.io' ? path.replace(/^library\//, '') : `${domain}/${path}`;
  const words = platform && [platform.os, platform.architecture, platform.variant].filter(Boolean).join('/');
  const query = words ? `?platform=${encodeURIComponent(words)}` : '';
  return { uri: `pkg:docker/${name}@${tag ?? 'latest'}${query}`, digest };
}
