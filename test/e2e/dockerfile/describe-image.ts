import { createHash } from 'node:crypto';
import { type Listed, listTar } from '../../harness/list-tar.ts';

interface ImageJson {
  readonly config?: Readonly<Record<string, unknown>>;
  readonly author?: string;
  readonly history?: readonly {
    readonly created_by?: string;
    readonly comment?: string;
    readonly empty_layer?: boolean;
    readonly author?: string;
  }[];
}

/** No time of a file that a build makes is earlier. */
const firstNow = 1_750_000_000;

/**
 * An image in text: its history with the layer of each step, entry by entry, and its config. `base` is told of each
 * layer and says which ones the case began with.
 */
export function describeImage(archive: Buffer, isBase: (layer: Buffer) => boolean): string {
  const members = new Map(listTar(archive).map((member) => [member.name, member.bytes]));
  const [manifest] = JSON.parse(member(members, 'manifest.json').toString()) as [{ Config: string; Layers: string[] }];
  const image = JSON.parse(member(members, manifest.Config).toString()) as ImageJson;
  const layers = manifest.Layers.map((name) => member(members, name));
  const lines: string[] = [];
  for (const { created_by = '', comment, empty_layer, author } of image.history ?? []) {
    const by = `${created_by.replaceAll('\n', '\\n')}${author ? ` (by ${author})` : ''}`;
    const said = comment === 'buildkit.dockerfile.v0' ? by : `${by} (${comment ?? 'no comment'})`;
    if (empty_layer) {
      lines.push(`empty: ${said}`);
      continue;
    }
    const layer = layers.shift();
    if (layer && isBase(layer)) {
      lines.push('base');
      continue;
    }
    lines.push(`layer: ${said}`);
    if (layer) lines.push(...describeLayer(layer));
    else lines.push('  missing');
  }
  lines.push(...layers.map(() => 'a layer without history'));
  if (image.author) lines.push(`author: ${image.author}`);
  const fields = Object.entries(image.config ?? {}).filter(([, value]) => value !== null && value !== '');
  const config = fields.map(([key, value]) => `${key}: ${JSON.stringify(sorted(value))}`).sort();
  return [...lines, ...config].join('\n');
}

function member(members: ReadonlyMap<string, Buffer>, name: string): Buffer {
  const found = members.get(name);
  if (!found) throw new Error(`the archive of the image has no ${name}`);
  return found;
}

function describeLayer(layer: Buffer): string[] {
  return listTar(layer)
    .map((entry) => ({ ...entry, name: entry.name.replace(/\/$/, '') }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(describeEntry);
}

const kinds: Readonly<Record<string, string>> = {
  0: 'file',
  1: 'link',
  2: 'symlink',
  3: 'char',
  4: 'block',
  5: 'dir',
  6: 'fifo',
};

function describeEntry({ name, type, target, bytes, mode, uid, gid, time, device, xattrs }: Listed): string {
  // What a whiteout itself looks like is nobody's business.
  if (name.endsWith('.wh..wh..opq')) return `  opaque ${name.slice(0, -'/.wh..wh..opq'.length)}`;
  if (/(?:^|\/)\.wh\./.test(name)) return `  removed ${name.replace(/\.wh\.([^/]*)$/, '$1')}`;
  const words = [`  ${kinds[type] ?? type}`, (mode & 0o7777).toString(8), `${uid}:${gid}`];
  if (time < firstNow && type !== '1') words.push(`@${time}`);
  words.push(name);
  if (type === '1' || type === '2') words.push(`-> ${target}`);
  if (type === '3' || type === '4') words.push(device.join(','));
  if (type === '0' && bytes.length > 0) words.push(`= ${shownContent(bytes)}`);
  for (const [key, value] of [...xattrs].sort()) words.push(`${key}=${JSON.stringify(value)}`);
  return words.join(' ');
}

function shownContent(bytes: Buffer): string {
  if (bytes.length <= 300 && /^[\x20-\x7e\s]*$/.test(bytes.toString('latin1'))) return JSON.stringify(bytes.toString());
  // The distribution's busybox.
  if (bytes.toString('latin1', 0, 4) === '\x7fELF') return 'a program';
  return `${bytes.length} bytes, ${createHash('sha256').update(bytes).digest('hex').slice(0, 12)}`;
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
