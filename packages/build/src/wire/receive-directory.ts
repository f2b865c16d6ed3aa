import { create } from '@bufbuild/protobuf';
import { FileSync } from '../pb/filesync_pb.ts';
import { Packet_PacketType as Kind, type Packet, PacketSchema, type Stat } from '../pb/fsutil_pb.ts';
import type { LocalRequest, ReceivedEntry, ReceivedTree } from '../solver/session.ts';
import type { SessionConnection } from './session-connection.ts';

/**
 * Brings a tree up to what the client has, by fsutil's protocol: the client tells of every entry in order, is asked
 * for the files that are not here by their place in that order, and sends them while it goes on telling.
 */
export async function receiveDirectory(
  session: SessionConnection,
  request: LocalRequest,
  tree: ReceivedTree,
  signal: AbortSignal,
): Promise<void> {
  const stream = session.open(FileSync.method.diffCopy, headersOf(request), signal);
  const asked = new Map<number, string>();
  let next = 0;
  let told = false;
  const finishWhenComplete = () => {
    if (told && asked.size === 0) stream.send(packet({ type: Kind.PACKET_FIN }));
  };
  for await (const message of stream.messages()) {
    switch (message.type) {
      case Kind.PACKET_STAT: {
        const { stat } = message;
        if (!stat) {
          told = true;
          finishWhenComplete();
          break;
        }
        const id = next++;
        if (!tree.entry(entryOf(stat))) break;
        asked.set(id, stat.path);
        stream.send(packet({ type: Kind.PACKET_REQ, ID: id }));
        break;
      }
      case Kind.PACKET_DATA: {
        const path = asked.get(message.ID);
        if (path === undefined) throw new Error(`content of file ${message.ID}, which was not asked for`);
        if (message.data.length > 0) {
          tree.write(path, message.data);
          break;
        }
        tree.endFile(path);
        asked.delete(message.ID);
        finishWhenComplete();
        break;
      }
      case Kind.PACKET_ERR:
        throw new Error(`error from sender: ${Buffer.from(message.data).toString()}`);
      case Kind.PACKET_FIN:
        stream.end();
        return;
    }
  }
  throw new Error(`the client ended the transfer of ${request.name} too early`);
}

function packet(fields: Partial<Pick<Packet, 'type' | 'ID'>>): Packet {
  return create(PacketSchema, fields);
}

function entryOf({ $typeName: _name, $unknown: _unknown, size, xattrs, ...stat }: Stat): ReceivedEntry {
  return {
    ...stat,
    size: Number(size),
    modTime: stat.modTime,
    devmajor: Number(stat.devmajor),
    devminor: Number(stat.devminor),
    xattrs: new Map(Object.entries(xattrs)),
  };
}

/** What is not printable ASCII is percent-encoded, and says so. */
function headersOf(request: LocalRequest): Record<string, string[]> {
  const values: Record<string, readonly string[]> = {
    'dir-name': [request.name],
    'include-patterns': request.includePatterns,
    'exclude-patterns': request.excludePatterns,
    followpaths: request.followPaths,
  };
  const headers: Record<string, string[]> = {};
  for (const [name, texts] of Object.entries(values)) {
    if (texts.length === 0) continue;
    const plain = texts.every((text) => /^[\x20-\x7e]*$/.test(text));
    headers[name] = plain ? [...texts] : texts.map((text) => encodeURIComponent(text));
    if (!plain) headers[`${name}-encoded`] = ['1'];
  }
  return headers;
}
