import { invalidArgument } from '@wharf/base/error';
import { parseSize } from '@wharf/base/size';
import { mountFlags } from '@wharf/sys/mount';

/** What `--opt type= --opt device= --opt o=` ask to be mounted at the volume's data. */
export interface DeviceMount {
  readonly type: string;
  readonly device: string;
  readonly flags: number;
  /** What is left of `o` for the file system itself. */
  readonly data: string;
}

const known = ['type', 'o', 'device', 'size'];
/** moby's volume/local: an option, and those that must come with it. */
const needs: Readonly<Record<string, readonly string[]>> = {
  device: ['type'],
  type: ['device'],
  o: ['device', 'type'],
};

/** Throws Docker's text for an option that the local driver does not know, or that misses its companion. */
export function checkVolumeOptions(options: Readonly<Record<string, string>>): void {
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) throw invalidArgument(`invalid option: ${JSON.stringify(name)}`);
  }
  for (const [name, companions] of Object.entries(needs)) {
    if (!Object.hasOwn(options, name)) continue;
    for (const companion of companions) {
      if (!Object.hasOwn(options, companion)) {
        throw invalidArgument(`missing required option: ${JSON.stringify(companion)}`);
      }
    }
  }
  if (sizeOf(options) > 0 && Object.hasOwn(options, 'device')) {
    throw invalidArgument('invalid option: "size" limits a directory of the local driver, not a device');
  }
}

/** Bytes that the volume may hold; 0 is as much as there is. */
export function sizeOf({ size }: Readonly<Record<string, string>>): number {
  return size === undefined ? 0 : parseSize(size);
}

export function deviceMountOf(options: Readonly<Record<string, string>>): DeviceMount | undefined {
  const { type, device, o } = options;
  if (type === undefined || device === undefined) return undefined;
  const { flags, data } = parseMountOptions(o ?? '');
  return { type, device, flags, data };
}

const { MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_SYNCHRONOUS, MS_REMOUNT, MS_DIRSYNC } = mountFlags;
const { MS_NOATIME, MS_NODIRATIME, MS_RELATIME, MS_STRICTATIME, MS_BIND, MS_REC } = mountFlags;
const { MS_PRIVATE, MS_SHARED, MS_SLAVE } = mountFlags;

/** mount(8)'s words that are flags of mount(2): set or clear. */
const words: Readonly<Record<string, { set?: number; clear?: number }>> = {
  defaults: {},
  ro: { set: MS_RDONLY },
  rw: { clear: MS_RDONLY },
  nosuid: { set: MS_NOSUID },
  suid: { clear: MS_NOSUID },
  nodev: { set: MS_NODEV },
  dev: { clear: MS_NODEV },
  noexec: { set: MS_NOEXEC },
  exec: { clear: MS_NOEXEC },
  sync: { set: MS_SYNCHRONOUS },
  async: { clear: MS_SYNCHRONOUS },
  dirsync: { set: MS_DIRSYNC },
  remount: { set: MS_REMOUNT },
  noatime: { set: MS_NOATIME },
  atime: { clear: MS_NOATIME },
  nodiratime: { set: MS_NODIRATIME },
  diratime: { clear: MS_NODIRATIME },
  relatime: { set: MS_RELATIME },
  norelatime: { clear: MS_RELATIME },
  strictatime: { set: MS_STRICTATIME },
  bind: { set: MS_BIND },
  rbind: { set: MS_BIND | MS_REC },
  private: { set: MS_PRIVATE },
  rprivate: { set: MS_PRIVATE | MS_REC },
  shared: { set: MS_SHARED },
  rshared: { set: MS_SHARED | MS_REC },
  slave: { set: MS_SLAVE },
  rslave: { set: MS_SLAVE | MS_REC },
};

export function parseMountOptions(text: string): { flags: number; data: string } {
  let flags = 0;
  const data: string[] = [];
  for (const option of text.split(',')) {
    const word = Object.hasOwn(words, option) ? words[option] : undefined;
    if (word) flags = (flags | (word.set ?? 0)) & ~(word.clear ?? 0);
    else if (option !== '') data.push(option);
  }
  return { flags, data: data.join(',') };
}
