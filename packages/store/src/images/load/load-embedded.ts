import { digestOf } from '@wharf/oci/digest';
import type { TarEntry } from '@wharf/oci/layer/tar-header';
import { TarReader } from '@wharf/oci/layer/tar-reader';
import type { ImageParts } from '../image-parts.ts';
import { ArchiveMembers } from './archive-members.ts';
import { commit, describeImages } from './load-images.ts';

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
      members.addLayer(name, { diffId, blobDigest: digestOf(bytes), blobSize: bytes.length, ingest: undefined });
    },
  });
  reader.feed(archive);
  reader.end();
  commit(parts, describeImages(parts, members, []));
}
