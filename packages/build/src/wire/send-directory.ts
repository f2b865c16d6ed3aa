import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { together } from '@wharf/base/together';
import { S_IFMT, S_IFREG } from '@wharf/sys/file';
import { type ExportedEntry, type ExportedTree, exportedEntries } from '../exporters/exported-tree.ts';
import type { GrpcStream } from '../grpc/grpc-client.ts';
import { FileSend } from '../pb/filesync_pb.ts';
import { Packet_PacketType as Kind, PacketSchema } from '../pb/fsutil_pb.ts';
import { encodeStat } from './encode-stat.ts';
import { exporterHeaders, requireReceiver } from './send-file.ts';
import type { SessionConnection } from './session-connection.ts';

export interface SendDirectoryOptions {
  /** The exporter's place in the request. */
  readonly id: number;
  /** Nanoseconds since 1970: that of all files. */
  readonly time: bigint | undefined;
  readonly signal: AbortSignal;
}

/** The call that takes a file takes a directory as well, and its messages are fsutil's then. */
const sendPackets = { ...FileSend.method.diffCopy, input: PacketSchema, output: PacketSchema };

type PacketStream = GrpcStream<typeof sendPackets>;

/**
 * Sends files into a directory of the client by fsutil's protocol: it is told of every entry, asks for the content of
 * files by their place in that order, and says when it has all.
 */
export async function sendDirectory(
  session: SessionConnection,
  trees: readonly ExportedTree[],
  { id, time, signal }: SendDirectoryOptions,
): Promise<void> {
  requireReceiver(session, 'a directory');
  const stream = session.open(sendPackets, exporterHeaders(id), signal);
  const files = new Map<number, ExportedEntry>();
  try {
    await together([tell(stream, trees, { files, time }), answer(stream, files)]);
  } catch (error) {
    stream.cancel();
    throw error;
  }
}

async function tell(
  stream: PacketStream,
  trees: readonly ExportedTree[],
  { files, time }: { files: Map<number, ExportedEntry>; time: bigint | undefined },
): Promise<void> {
  let next = 0;
  for await (const entry of exportedEntries(trees)) {
    const id = next++;
    if ((entry.stat.mode & S_IFMT) === S_IFREG && entry.linkTo === undefined) files.set(id, entry);
    await stream.write(packet({ type: Kind.PACKET_STAT, stat: encodeStat(entry.stat, { ...entry, time }) }));
  }
  await stream.write(packet({ type: Kind.PACKET_STAT }));
}

/** One file after another, in the order in which they are asked for. */
async function answer(stream: PacketStream, files: ReadonlyMap<number, ExportedEntry>): Promise<void> {
  const asked: number[] = [];
  let sending: Promise<void> | undefined;
  let failure: unknown;
  const sendAsked = async () => {
    try {
      for (let id = asked.shift(); id !== undefined; id = asked.shift()) await sendContent(stream, id, files.get(id));
    } catch (error) {
      failure = error;
      stream.cancel();
    }
    sending = undefined;
  };
  for await (const { type, ID, data } of stream.messages()) {
    if (failure) break;
    if (type === Kind.PACKET_REQ) {
      asked.push(ID);
      sending ??= sendAsked();
    } else if (type === Kind.PACKET_FIN) {
      await sending;
      await stream.write(packet({ type: Kind.PACKET_FIN }));
      stream.end();
    } else if (type === Kind.PACKET_ERR) {
      throw new Error(`error from receiver: ${Buffer.from(data).toString()}`);
    }
  }
  await sending;
  if (failure) throw failure;
}

async function sendContent(stream: PacketStream, ID: number, entry: ExportedEntry | undefined): Promise<void> {
  if (!entry) throw new Error(`the client asks for file ${ID}, of which it was not told`);
  for await (const data of entry.open()) {
    await stream.write(packet({ type: Kind.PACKET_DATA, ID, data }));
  }
  await stream.write(packet({ type: Kind.PACKET_DATA, ID }));
}

function packet(fields: MessageInitShape<typeof PacketSchema>) {
  return create(PacketSchema, fields);
}
