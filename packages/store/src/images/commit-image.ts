import type { Descriptor } from '@wharf/oci/descriptor';
import { digestOf } from '@wharf/oci/digest-of';
import type { ContainerDefaults, ImageConfig } from '@wharf/oci/image-config';
import { parseManifest } from '@wharf/oci/manifest';
import { mediaTypes } from '@wharf/oci/media-type';
import { parseReference, withDefaultTag } from '@wharf/oci/reference';
import type { CopySource } from '../layers/copy-layer.ts';
import type { ImageParts } from './image-parts.ts';
import type { ImageRecord } from './image-store.ts';
import { recordImage } from './tag-image.ts';

export interface CommitOptions {
  /** The new layer lies over this image's. */
  readonly parent: ImageRecord;
  /** What a container of the new image runs with. */
  readonly config: ContainerDefaults;
  readonly author: string;
  readonly comment: string;
  /** What the container ran, for the history. */
  readonly createdBy: string;
  readonly reference?: string;
}

/** Makes an image of another one and what an overlayfs upper directory holds. Answers its id. */
export async function commitImage(parts: ImageParts, source: CopySource, options: CommitOptions): Promise<string> {
  using _lease = parts.leases.open();
  const { parent, author, comment, createdBy, reference } = options;
  const names = reference === undefined ? [] : [withDefaultTag(parseReference(reference))];
  const base = parseManifest(parts.content.read(parent.manifest.digest));
  // The layer is stored as a directory only: its tar is made again when somebody asks.
  const { diffId, tarSize } = await parts.layers.copy(source);
  const created = new Date().toISOString();
  const entry = {
    created,
    ...(createdBy !== '' && { created_by: createdBy }),
    ...(author !== '' && { author }),
    ...(comment !== '' && { comment }),
  };
  const { os, architecture, variant, rootfs, history = [] } = parent.config;
  const config: ImageConfig = {
    created,
    ...(author !== '' && { author }),
    architecture,
    ...(variant === undefined ? {} : { variant }),
    os,
    config: options.config,
    rootfs: { type: 'layers', diff_ids: [...rootfs.diff_ids, diffId] },
    history: [...history, entry],
  };
  const isOci = parent.manifest.mediaType === mediaTypes.ociManifest;
  const configBytes = Buffer.from(JSON.stringify(config));
  const manifestType = isOci ? mediaTypes.ociManifest : mediaTypes.dockerManifest;
  const layerType = isOci ? mediaTypes.ociLayer : mediaTypes.dockerLayer;
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: manifestType,
      config: descriptor(isOci ? mediaTypes.ociConfig : mediaTypes.dockerConfig, configBytes),
      layers: [...base.layers, { mediaType: layerType, digest: diffId, size: tarSize }],
    }),
  );
  await parts.content.write(configBytes);
  await parts.content.write(manifest);
  await parts.content.sync();
  return recordImage(parts, descriptor(manifestType, manifest), names);
}

function descriptor(mediaType: string, bytes: Buffer): Descriptor {
  return { mediaType, digest: digestOf(bytes), size: bytes.length };
}
