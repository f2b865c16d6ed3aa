import { closeSync, openSync, readSync } from 'node:fs';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { EngineError } from '@wharf/base/error';
import type { Call } from '../grpc/grpc-server.ts';
import { duplex, type Handlers } from '../grpc/grpc-server.ts';
import { FileSync } from '../pb/filesync_pb.ts';
import { Packet_PacketType as Kind, type Packet, PacketSchema, type StatSchema } from '../pb/fsutil_pb.ts';
import { followLinks } from './follow-links.ts';
import { Outbox } from './outbox.ts';
import { type LocalEntry, walkDirectory } from './walk-directory.ts';

/** Bytes of one message. */
const chunkSize = 1 << 19;

/** Directories of this machine by the names that the builder asks for them by. */
export type LocalDirectories = ReadonlyMap<string, string>;

/** Offers directories by fsutil's protocol: told are all entries, sent only the files that the builder has not. */
export function addFileSync(handlers: Handlers, directories: LocalDirectories): void {
  duplex(handlers, FileSync.method.diffCopy, (requests, call) => {
    const [name = ''] = texts(call, 'dir-name');
    const root = directories.get(name);
    if (root === undefined) throw new EngineError('not_found', `no access allowed to dir ${JSON.stringify(name)}`);
    const followed = texts(call, 'followpaths');
    const include = texts(call, 'include-patterns');
    const targets = followed.length > 0 ? followLinks(root, followed) : undefined;
    const selection = {
      include: targets ? [...include, ...targets] : followed.length > 0 ? [] : include,
      exclude: texts(call, 'exclude-patterns'),
    };
    const outbox = new Outbox<Packet>();
    const files = new Map<number, string>();
    void send(outbox, root, walkDirectory(root, selection), files);
    void answer(outbox, root, requests, files);
    return outbox;
  });
}

async function send(
  outbox: Outbox<Packet>,
  root: string,
  entries: Iterable<LocalEntry>,
  files: Map<number, string>,
): Promise<void> {
  try {
    let next = 0;
    for (const entry of entries) {
      const id = next++;
      if (entry.stat.isFile() && entry.linkName === '') files.set(id, `${root}/${entry.path}`);
      await outbox.put(packet({ type: Kind.PACKET_STAT, stat: statOf(entry) }));
    }
    await outbox.put(packet({ type: Kind.PACKET_STAT }));
  } catch (error) {
    await refuse(outbox, error);
  }
}

/** Files one after another, in the order in which they are asked for. */
async function answer(
  outbox: Outbox<Packet>,
  root: string,
  requests: AsyncIterable<Packet>,
  files: ReadonlyMap<number, string>,
): Promise<void> {
  let sending = Promise.resolve();
  try {
    for await (const { type, ID, data } of requests) {
      if (type === Kind.PACKET_ERR) throw new Error(`error from receiver: ${Buffer.from(data).toString()}`);
      if (type === Kind.PACKET_FIN) {
        await sending;
        await outbox.put(packet({ type: Kind.PACKET_FIN }));
        outbox.close();
      }
      // Who leaves the loop breaks the stream, on which answers are still under way.
      if (type !== Kind.PACKET_REQ) continue;
      const path = files.get(ID);
      if (path === undefined) throw new Error(`the builder asks for file ${ID} of ${root}, of which it was not told`);
      sending = sending.then(() => sendContent(outbox, ID, path)).catch((error: unknown) => refuse(outbox, error));
    }
    outbox.close();
  } catch (error) {
    outbox.fail(error);
  }
}

async function sendContent(outbox: Outbox<Packet>, ID: number, path: string): Promise<void> {
  const fd = openSync(path, 'r');
  try {
    for (;;) {
      const buffer = Buffer.allocUnsafe(chunkSize);
      const count = readSync(fd, buffer, 0, chunkSize, null);
      if (count === 0) break;
      await outbox.put(packet({ type: Kind.PACKET_DATA, ID, data: buffer.subarray(0, count) }));
    }
  } finally {
    closeSync(fd);
  }
  await outbox.put(packet({ type: Kind.PACKET_DATA, ID }));
}

/** The builder fails with what went wrong here. */
async function refuse(outbox: Outbox<Packet>, error: unknown): Promise<void> {
  const message = error instanceof Error ? error.message : String(error);
  await outbox.put(packet({ type: Kind.PACKET_ERR, data: Buffer.from(message) }));
}

function packet(fields: MessageInitShape<typeof PacketSchema>): Packet {
  return create(PacketSchema, fields);
}

/** Whose files they are here is nothing that an image should tell. */
function statOf({ path, stat, linkName }: LocalEntry): MessageInitShape<typeof StatSchema> {
  const device = stat.isCharacterDevice() || stat.isBlockDevice() ? Number(stat.rdev) : 0;
  return {
    path,
    mode: goMode(stat),
    size: stat.isFile() ? stat.size : 0n,
    modTime: stat.mtimeNs,
    linkname: linkName,
    // makedev(3)
    devmajor: BigInt((device >>> 8) & 0xfff),
    devminor: BigInt((device & 0xff) | ((device >>> 12) & 0xfff00)),
  };
}

/** st_mode's bits where Go's os.FileMode has them. */
function goMode(stat: LocalEntry['stat']): number {
  const mode = Number(stat.mode);
  const special = (mode & 0o4000 ? 2 ** 23 : 0) + (mode & 0o2000 ? 2 ** 22 : 0) + (mode & 0o1000 ? 2 ** 20 : 0);
  const kind = stat.isDirectory()
    ? 2 ** 31
    : stat.isSymbolicLink()
      ? 2 ** 27
      : stat.isBlockDevice()
        ? 2 ** 26
        : stat.isCharacterDevice()
          ? 2 ** 26 + 2 ** 21
          : stat.isFIFO()
            ? 2 ** 25
            : 0;
  return (mode & 0o777) + special + kind;
}

/** What is not printable ASCII comes percent-encoded, and says so. */
function texts({ headers }: Call, name: string): string[] {
  const value = headers[name];
  const values = value === undefined ? [] : typeof value === 'string' ? [value] : [...value];
  return headers[`${name}-encoded`] === undefined ? values : values.map(decodeURIComponent);
}
