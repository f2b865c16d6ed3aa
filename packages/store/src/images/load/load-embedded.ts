import type { TarEntry } from '@wharf/oci/layer/tar-header';
import { TarReader } from '@wharf/oci/layer/tar-reader';
import type { ImageParts } from '../image-parts.ts';
import { ArchiveMembers, plainLayer } from './archive-members.ts';
import { describeImages, recordImages } from './load-images.ts';

/** Loads a small docker-archive of our own at once, on this thread. */
export function loadEmbedded(parts: ImageParts, archive: Buffer): void {
  using _lease = parts.leases.open();
  const members = new ArchiveMembers();
  let entry: TarEntry | undefined;
  let content: Buffer[] = [];
  const reader = new TarReader({
    entry(next) {
      entry = next;
      content = [];
    },
    data: (bytes) => void content.push(Buffer.from(bytes)),
    endEntry() {
      const bytes = Buffer.concat(content);
      const name = entry!.name;
      if (!name.endsWith('.tar')) return members.addFile(name, bytes);
      const { diffId } = parts.layers.applyNow(bytes);
      members.addLayer(name, plainLayer(diffId, bytes.length));
    },
  });
  reader.feed(archive);
  reader.end();
  const images = describeImages(parts, members, []);
  for (const { blobs } of images) for (const bytes of blobs.values()) parts.content.writeNow(bytes);
  recordImages(parts, images);
}
