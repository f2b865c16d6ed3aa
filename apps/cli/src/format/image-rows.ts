import type { ImageSummary } from '@wharf/api/image';
import { createRow, type Row } from '@wharf/base/template/row';
import { familiarName } from '@wharf/oci/reference';
import type { ListStyle } from './list.ts';
import { tryParse } from './short-image.ts';
import { goTime, since } from './time.ts';
import { humanSize, truncateId } from './units.ts';

export const imageHeaders = {
  ID: 'IMAGE ID',
  Repository: 'REPOSITORY',
  Tag: 'TAG',
  Digest: 'DIGEST',
  CreatedSince: 'CREATED',
  CreatedAt: 'CREATED AT',
  Size: 'SIZE',
  Containers: 'CONTAINERS',
  VirtualSize: 'SIZE',
  SharedSize: 'SHARED SIZE',
  UniqueSize: 'UNIQUE SIZE',
} as const;

export function imageStyle(digests: boolean): ListStyle {
  const created = '{{if .CreatedSince }}{{.CreatedSince}}{{else}}N/A{{end}}';
  const digest = digests ? '{{.Digest}}\t' : '';
  return {
    headers: imageHeaders,
    table: `{{.Repository}}\t{{.Tag}}\t${digest}{{.ID}}\t${created}\t{{.Size}}`,
    quiet: '{{.ID}}',
    raw: [
      ['repository', 'Repository'],
      ['tag', 'Tag'],
      ...(digests ? ([['digest', 'Digest']] as const) : []),
      ['image_id', 'ID'],
      ['created_at', 'CreatedAt'],
      ['virtual_size', 'Size'],
    ],
  };
}

export interface ImageRowOptions {
  readonly truncate: boolean;
  /** A row for each digest of a tag. */
  readonly withDigests: boolean;
  /** A row for each digest without a tag, rather than one for all. */
  readonly digestRows: boolean;
}

const none = '<none>';

/** An image has a row for each of its names. */
export function imageRows(image: ImageSummary, options: ImageRowOptions): Row[] {
  const { truncate } = options;
  if (isDangling(image)) return [imageRow(image, truncate, { repository: none, tag: none, digest: none })];
  const tags = new Map<string, string[]>();
  const digests = new Map<string, string[]>();
  for (const text of image.RepoTags ?? []) {
    const reference = tryParse(text);
    if (reference?.tag !== undefined) add(tags, familiarName(reference), reference.tag);
  }
  for (const text of image.RepoDigests ?? []) {
    const reference = tryParse(text);
    if (reference?.digest !== undefined) add(digests, familiarName(reference), reference.digest);
  }
  const rows: Row[] = [];
  for (const [repository, names] of tags) {
    const known = options.withDigests ? (digests.get(repository) ?? []) : [];
    digests.delete(repository);
    for (const tag of names) {
      for (const digest of known.length > 0 ? known : [none])
        rows.push(imageRow(image, truncate, { repository, tag, digest }));
    }
  }
  for (const [repository, known] of digests) {
    for (const digest of options.digestRows ? known : [''])
      rows.push(imageRow(image, truncate, { repository, tag: none, digest }));
  }
  return rows;
}

function add(map: Map<string, string[]>, key: string, value: string): void {
  map.set(key, [...(map.get(key) ?? []), value]);
}

export function isDangling({ RepoTags, RepoDigests }: ImageSummary): boolean {
  const [tags, digests] = [RepoTags ?? [], RepoDigests ?? []];
  if (tags.length === 0 && digests.length === 0) return true;
  return tags.length === 1 && tags[0] === '<none>:<none>' && digests.length === 1 && digests[0] === '<none>@<none>';
}

export interface ImageName {
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
}

export function imageRow(image: ImageSummary, truncate: boolean, { repository, tag, digest }: ImageName): Row {
  const { Id, Created, Size, SharedSize, Containers } = image;
  return createRow('*formatter.imageContext', {
    ID: () => (truncate ? truncateId(Id) : Id),
    Repository: () => repository,
    Tag: () => tag,
    Digest: () => digest,
    CreatedSince: () => since(Created),
    CreatedAt: () => goTime(Created),
    Size: () => humanSize(Size, 3),
    Containers: () => (Containers === -1 ? 'N/A' : String(Containers)),
    VirtualSize: () => humanSize(Size),
    SharedSize: () => (SharedSize === -1 ? 'N/A' : humanSize(SharedSize)),
    UniqueSize: () => (Size === -1 || SharedSize === -1 ? 'N/A' : humanSize(Size - SharedSize)),
  });
}
