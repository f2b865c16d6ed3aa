import type { ImageSummary, ManifestSummary } from '@wharf/api/image';
import { humanSize, truncateId } from './units.ts';

interface Line {
  readonly name: string;
  readonly id?: string;
  readonly disk?: number;
  readonly content?: number;
  readonly inUse?: boolean;
}

/** Images with the platforms of each: what is here of them, and whether containers use it. */
export function formatImageTree(images: readonly ImageSummary[]): string {
  const blocks = images.map(linesOf);
  const names = Math.max(18, ...blocks.flat().map(({ name }) => name.length));
  const columns = (cells: readonly string[]) => {
    const [name = '', id = '', disk = '', content = '', extra = ''] = cells;
    const sizes = [disk.padStart(10), content.padStart(12)];
    return `${[name.padEnd(names), id.padEnd(12), ...sizes, extra].join('   ').trimEnd()}\n`;
  };
  const header = columns(['IMAGE', 'ID', 'DISK USAGE', 'CONTENT SIZE', 'EXTRA']);
  const body = blocks.map((block) => block.map((line) => columns(cellsOf(line))).join(''));
  return `U: in use\n\n${header}${body.join('\n')}`;
}

function cellsOf({ name, id, disk, content, inUse }: Line): string[] {
  if (id === undefined) return [name];
  return [name, truncateId(id), humanSize(disk ?? 0, 3), humanSize(content ?? 0, 3), inUse ? 'U' : ''];
}

/** A line for each name, the figures beside the last one, and a line for each platform. */
function linesOf(image: ImageSummary): Line[] {
  // Attestations are about an image and run nowhere.
  const platforms = (image.Manifests ?? []).filter(({ Kind }) => Kind === 'image');
  const sum = (figure: (manifest: ManifestSummary) => number) =>
    platforms.reduce((total, manifest) => total + figure(manifest), 0);
  const tags = image.RepoTags.length > 0 ? image.RepoTags : ['<untagged>'];
  const last = tags.length - 1;
  const whole = {
    id: image.Id,
    disk: platforms.length > 0 ? sum(({ Size }) => Size.Total) : image.Size,
    content: sum(({ Size }) => Size.Content),
    inUse: image.Containers > 0 || platforms.some(isUsed),
  };
  return [
    ...tags.map((name, index) => (index === last ? { name, ...whole } : { name })),
    ...platforms.map((manifest, index) => ({
      name: `${index === platforms.length - 1 ? '└─' : '├─'} ${platformOf(manifest)}`,
      id: manifest.ID,
      disk: manifest.Size.Total,
      content: manifest.Size.Content,
      inUse: isUsed(manifest),
    })),
  ];
}

function isUsed({ ImageData }: ManifestSummary): boolean {
  return (ImageData?.Containers ?? []).length > 0;
}

function platformOf({ ImageData }: ManifestSummary): string {
  const { os = '', architecture = '', variant } = ImageData?.Platform ?? {};
  return [os, architecture, variant].filter(Boolean).join('/');
}
