import { invalidArgument } from '@wharf/base/error';
import { formatPlatform, normalizePlatform, type Platform } from '@wharf/oci/platform';
import { parsePlatform } from '../dockerfile/parse-platform.ts';
import type { ExporterAttributes } from './exporter-attributes.ts';

/** Where an annotation goes. */
export type AnnotationPlace = 'manifest' | 'manifest-descriptor' | 'index' | 'index-descriptor';

export interface Annotation {
  readonly place: AnnotationPlace;
  /** As `formatPlatform` writes it; undefined for all. */
  readonly platform: string | undefined;
  readonly key: string;
  readonly value: string;
}

/** `annotation.KEY`, `annotation-index.KEY`, `annotation-manifest[linux/amd64].KEY`. */
const pattern = /^annotation(?:-([a-z-]+))?(?:\[([A-Za-z0-9_/-]+)\])?\.(\S+)$/;

const places: Readonly<Record<string, AnnotationPlace>> = {
  manifest: 'manifest',
  'manifest-descriptor': 'manifest-descriptor',
  index: 'index',
  'index-descriptor': 'index-descriptor',
};

/** Throws invalid_argument for a place that there is none of. */
export function takeAnnotations(attributes: ExporterAttributes): Annotation[] {
  return [...attributes.matching(pattern)].map(([[, named = 'manifest', platform, key = ''], value]) => {
    const place = places[named];
    if (!place) throw invalidArgument(`unrecognized annotation type ${named}`);
    if (platform !== undefined && place.startsWith('index')) {
      throw invalidArgument(`unexpected platform ${platform} of an annotation of the index`);
    }
    const of = platform === undefined ? undefined : formatPlatform(normalizePlatform(parsePlatform(platform)));
    return { place, platform: of, key, value };
  });
}

/** Those for one place, undefined where there are none: an empty object is another manifest. */
export function annotationsFor(
  annotations: readonly Annotation[],
  place: AnnotationPlace,
  platform?: Platform,
): Record<string, string> | undefined {
  const name = platform && formatPlatform(normalizePlatform(platform));
  const found = annotations
    .filter((one) => one.place === place && (one.platform === undefined || one.platform === name))
    .sort((a, b) =>
      a.key < b.key ? -1 : a.key > b.key ? 1 : Number(a.platform !== undefined) - Number(b.platform !== undefined),
    );
  return found.length === 0 ? undefined : Object.fromEntries(found.map(({ key, value }) => [key, value]));
}
