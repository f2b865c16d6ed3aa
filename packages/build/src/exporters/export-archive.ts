import type { Descriptor } from '@wharf/oci/descriptor';
import { parseIndex, parseManifest } from '@wharf/oci/manifest';
import { isIndexType } from '@wharf/oci/media-type';
import { formatCanonical } from '@wharf/oci/reference';
import type { ImageParts } from '@wharf/store/images/image-parts';
import { archiveImage } from '@wharf/store/images/save-images';
import { type AssembledImage, assembleImage, imageResponse } from './assemble-image.ts';
import type { ClientContent, ExportContext, ExportResponse } from './build-output.ts';
import { copyBlob } from './copy-blob.ts';
import type { ArchiveOutput } from './output.ts';

/** The name by which clients know the directory that takes an OCI layout. */
const layoutStore = 'export';

/** Sends an image to the client: as a tar, or blob by blob for its OCI layout, whose index it writes itself. */
export async function exportArchive(context: ExportContext, output: ArchiveOutput): Promise<ExportResponse> {
  const { id, deps, client, signal, step } = context;
  const image = await assembleImage(context, output, 'gzip');
  const response = imageResponse(image, output.names.map(formatCanonical));
  if (output.tar) {
    const { target, annotations } = image;
    const tar = archiveImage(deps.parts, { target, names: output.names, annotations, format: output.type, signal });
    await step('sending tarball', () => client.sendFile(id, tar));
    return response;
  }
  await step('copying to the client', () => copyContent(deps.parts, client.contentStore(layoutStore), image));
  return response;
}

async function copyContent(parts: ImageParts, store: ClientContent, { target }: AssembledImage) {
  const copy = (descriptor: Descriptor) => copyBlob(parts, store, descriptor);
  const visit = async (descriptor: Descriptor): Promise<void> => {
    const bytes = parts.content.read(descriptor.digest);
    if (isIndexType(descriptor.mediaType)) {
      for (const child of parseIndex(bytes).manifests) await visit(child);
    } else {
      const { config, layers } = parseManifest(bytes);
      for (const blob of [...layers, config]) await copy(blob);
    }
    await copy(descriptor);
  };
  await visit(target);
}
