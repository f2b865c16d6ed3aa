import { invalidArgument, notImplemented } from '@wharf/base/error';
import { type Digest, parseDigest } from '@wharf/oci/digest';
import { parseReference, type Reference, withDefaultTag } from '@wharf/oci/reference';
import { ExporterAttributes } from '../exporters/exporter-attributes.ts';
import type { ExporterRequest } from '../exporters/exporter-request.ts';
import { type LayerFormat, takeLayerFormat } from '../exporters/layer-format.ts';

/** Where a build looks for what others have made: in a registry, or in a directory of its client. */
export type CacheImport =
  | { readonly type: 'registry'; readonly reference: Reference }
  | { readonly type: 'local'; readonly store: string; readonly digest: Digest };

/** Where a build puts what it made: in its image's config, in a registry, or in a directory of its client. */
export type CacheExport = { readonly type: 'inline' } | StoredCacheExport;

export interface StoredCacheExport {
  readonly type: 'registry' | 'local';
  readonly target: Reference | string;
  /** What images of the build are made of alone, or all of its steps. */
  readonly mode: 'min' | 'max';
  readonly ignoreError: boolean;
  /** A manifest that registries take for an image's, else an index. */
  readonly imageManifest: boolean;
  readonly format: LayerFormat;
}

const modes = ['min', 'max'] as const;

/** Throws not_implemented with the name of what is not supported. */
export function parseCacheImport({ type, attributes: given }: ExporterRequest): CacheImport {
  const attributes = new ExporterAttributes(`a cache import of the type ${type}`, given);
  const request = takeImport(type, attributes);
  attributes.refuseRest();
  return request;
}

function takeImport(type: string, attributes: ExporterAttributes): CacheImport {
  switch (type) {
    // An image with a cache in its config is one in a registry.
    case 'registry':
      return { type, reference: takeReference(attributes, 'importer') };
    case 'local': {
      const store = attributes.text('src');
      const digest = attributes.text('digest');
      attributes.text('tag');
      if (!store) throw invalidArgument('local cache importer requires src');
      if (!digest)
        throw invalidArgument(
          'local cache importer requires either explicit digest, "latest" tag or custom tag on index.json',
        );
      return { type, store, digest: parseDigest(digest) };
    }
    default:
      throw notImplemented(`a build cache of the type ${type}`);
  }
}

/** Throws not_implemented with the name of what is not supported. */
export function parseCacheExport({ type, attributes: given }: ExporterRequest): CacheExport {
  const attributes = new ExporterAttributes(`a cache export of the type ${type}`, given);
  const request = takeExport(type, attributes);
  attributes.refuseRest();
  return request;
}

function takeExport(type: string, attributes: ExporterAttributes): CacheExport {
  switch (type) {
    case 'inline':
      // More than the image's own layers has no place in an image.
      attributes.choice('mode', ['min']);
      return { type };
    case 'registry':
      return { type, target: takeReference(attributes, 'exporter'), ...takeStored(attributes) };
    case 'local': {
      const target = attributes.text('dest');
      attributes.text('tag');
      if (!target) throw invalidArgument('local cache exporter requires dest');
      return { type, target, ...takeStored(attributes) };
    }
    default:
      throw notImplemented(`a build cache of the type ${type}`);
  }
}

function takeStored(attributes: ExporterAttributes): Omit<StoredCacheExport, 'type' | 'target'> {
  const format = takeLayerFormat(attributes);
  const imageManifest = attributes.flag('image-manifest');
  if (imageManifest && !format.ociTypes) {
    throw invalidArgument('invalid configuration for cache export: image-manifest=true requires oci-mediatypes=true');
  }
  return {
    mode: attributes.choice('mode', modes) ?? 'min',
    ignoreError: attributes.flag('ignore-error') ?? false,
    imageManifest: imageManifest ?? format.ociTypes,
    format,
  };
}

function takeReference(attributes: ExporterAttributes, role: string): Reference {
  const text = attributes.text('ref');
  if (!text) throw invalidArgument(`registry cache ${role} requires ref`);
  attributes.only('registry.insecure', false);
  return withDefaultTag(parseReference(text));
}
