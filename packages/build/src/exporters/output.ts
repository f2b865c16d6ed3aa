import { invalidArgument, notImplemented } from '@wharf/base/error';
import { parseReference, type Reference, withDefaultTag } from '@wharf/oci/reference';
import { type Annotation, takeAnnotations } from './annotations.ts';
import { ExporterAttributes } from './exporter-attributes.ts';
import type { ExporterRequest } from './exporter-request.ts';
import { type LayerFormat, takeLayerFormat } from './layer-format.ts';

/** What one exporter is asked to do, whole and allowed. */
export type Output = ImageOutput | ArchiveOutput | TreeOutput | { readonly kind: 'cacheonly' };

/** What all images have, wherever they go. */
export interface ImageFields {
  readonly names: readonly Reference[];
  readonly format: LayerFormat;
  readonly annotations: readonly Annotation[];
  /** Seconds since 1970; undefined takes the build's. */
  readonly epoch: number | undefined;
  /** Files are no younger than that. */
  readonly rewriteTimestamp: boolean;
}

/** An image of this engine, pushed as well where that is asked for. */
export interface ImageOutput extends ImageFields {
  readonly kind: 'image';
  readonly push: boolean;
  readonly pushByDigest: boolean;
  readonly store: boolean;
  /** It is named by its digest, too. */
  readonly nameCanonical: boolean;
  /** The repository of an image without a name. */
  readonly danglingPrefix: string | undefined;
}

/** A tar or, for OCI, a directory with an image in it, for the client. */
export interface ArchiveOutput extends ImageFields {
  readonly kind: 'archive';
  readonly type: 'oci' | 'docker';
  readonly tar: boolean;
}

/** The files alone, for the client. */
export interface TreeOutput {
  readonly kind: 'tree';
  readonly tar: boolean;
  readonly epoch: number | undefined;
  /** A directory for each platform; undefined has them where there are several. */
  readonly platformSplit: boolean | undefined;
}

/** Throws not_implemented with the name of what is not known or not supported. */
export function parseOutput({ type, attributes }: ExporterRequest): Output {
  // What buildx calls the image of the engine itself.
  const named = type === 'moby' ? 'image' : type;
  const taken = new ExporterAttributes(`the exporter ${named}`, attributes);
  const output = outputOf(type, taken);
  taken.refuseRest();
  return output;
}

function outputOf(type: string, attributes: ExporterAttributes): Output {
  switch (type) {
    case 'moby':
    case 'image':
      return imageOutput(attributes);
    case 'oci':
    case 'docker':
      return archiveOutput(type, attributes);
    case 'local':
    case 'tar':
      // Where it is put is the client's affair.
      attributes.text('dest');
      return {
        kind: 'tree',
        tar: type === 'tar',
        epoch: epochOf(attributes),
        platformSplit: attributes.flag('platform-split'),
      };
    case 'cacheonly':
      return { kind: 'cacheonly' };
    default:
      throw notImplemented(`the exporter ${type}`);
  }
}

function imageOutput(attributes: ExporterAttributes): ImageOutput {
  const push = attributes.flag('push') ?? false;
  const pushByDigest = attributes.flag('push-by-digest') ?? false;
  const store = attributes.flag('store') ?? true;
  const fields = imageFields(attributes, { tagged: !pushByDigest });
  const nameCanonical = attributes.flag('name-canonical') ?? false;
  const danglingPrefix = attributes.text('dangling-name-prefix') || undefined;
  // Layers are unpacked and images are in the daemon's store in any case; Compose asks for the latter.
  attributes.flag('unpack');
  attributes.flag('load');
  attributes.only('registry.insecure', false);
  attributes.only('prefer-nondist-layers', false);
  if (push && fields.names.length === 0) throw invalidArgument('tag is needed when pushing image');
  if (pushByDigest && !push) throw invalidArgument('push-by-digest needs push');
  return { kind: 'image', ...fields, push, pushByDigest, store, nameCanonical, danglingPrefix };
}

function archiveOutput(type: 'oci' | 'docker', attributes: ExporterAttributes): ArchiveOutput {
  attributes.text('dest');
  attributes.text('context');
  const tar = attributes.flag('tar') ?? true;
  if (!tar && type === 'docker')
    throw invalidArgument('docker exporter does not support exporting to a directory: type=oci does');
  attributes.only('prefer-nondist-layers', false);
  return { kind: 'archive', type, tar, ...imageFields(attributes, { tagged: true }) };
}

function imageFields(attributes: ExporterAttributes, { tagged }: { tagged: boolean }): ImageFields {
  const names = (attributes.text('name') ?? '').split(',').filter((name) => name !== '');
  if (names.includes('*')) throw notImplemented('name=* of an exporter');
  return {
    names: names.map((name) => (tagged ? withDefaultTag(parseReference(name)) : untagged(name))),
    format: takeLayerFormat(attributes),
    annotations: takeAnnotations(attributes),
    epoch: epochOf(attributes),
    rewriteTimestamp: attributes.flag('rewrite-timestamp') ?? false,
  };
}

function untagged(name: string): Reference {
  const reference = parseReference(name);
  if (reference.tag !== undefined || reference.digest !== undefined) {
    throw invalidArgument(`can't push tagged ref ${name} by digest`);
  }
  return reference;
}

function epochOf(attributes: ExporterAttributes): number | undefined {
  const epoch = attributes.integer('source-date-epoch');
  if (epoch !== undefined && epoch < 0) throw invalidArgument(`invalid source-date-epoch: ${epoch}`);
  return epoch;
}
