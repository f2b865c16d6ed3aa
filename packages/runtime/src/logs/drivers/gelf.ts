import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { deflateSync, gzipSync } from 'node:zlib';
import { UdpSender } from './datagram-sender.ts';
import type { Forwarding } from './forwarding.ts';
import { type GelfOptions, parseGelfOptions } from './gelf-options.ts';
import type { LogMessage } from './log-message.ts';
import { endlessPatience, type Sender } from './sender.ts';
import { StreamConnection } from './stream-connection.ts';

const levels = { stdout: 6, stderr: 3 } as const;

/** GELF 1.1, with the fields of Docker's driver. */
export function formatGelf({ stream, time, line }: LogMessage, { container, tag, attributes }: Forwarding): Buffer {
  const { id, name, imageId, imageName, command, created } = container;
  const milliseconds = Date.parse(`${time.slice(0, 23)}Z`);
  return Buffer.from(
    JSON.stringify({
      version: '1.1',
      host: hostname(),
      short_message: line.toString(),
      timestamp: milliseconds / 1000,
      level: levels[stream],
      _command: command,
      _container_id: id,
      _container_name: name,
      _created: created,
      _image_id: imageId,
      _image_name: imageName,
      _tag: tag,
      ...Object.fromEntries(Object.entries(attributes).map(([key, value]) => [`_${key}`, value])),
    }),
  );
}

const chunkSize = 1420;
const chunkHeader = 12;
const mostChunks = 128;

/** A message larger than a packet goes in numbered chunks; undefined for one that is too large for that. */
export function chunkGelf(bytes: Buffer, id: Buffer): Buffer[] | undefined {
  if (bytes.length <= chunkSize) return [bytes];
  const payload = chunkSize - chunkHeader;
  const count = Math.ceil(bytes.length / payload);
  if (count > mostChunks) return undefined;
  return Array.from({ length: count }, (_, number) =>
    Buffer.concat([
      Buffer.of(0x1e, 0x0f),
      id,
      Buffer.of(number, count),
      bytes.subarray(number * payload, (number + 1) * payload),
    ]),
  );
}

function compress(bytes: Buffer, { compression, level }: GelfOptions): Buffer {
  switch (compression) {
    case 'gzip':
      return gzipSync(bytes, { level });
    case 'zlib':
      return deflateSync(bytes, { level });
    case 'none':
      return bytes;
  }
}

export function createGelfSender(forwarding: Forwarding): Sender {
  const options = parseGelfOptions(forwarding.options);
  const { endpoint, maxReconnect, reconnectMilliseconds } = options;
  // GELF has no empty messages.
  const encode = (messages: readonly LogMessage[]) =>
    messages.filter(({ line }) => line.length > 0).map((message) => formatGelf(message, forwarding));
  if (endpoint.kind === 'udp') {
    const socket = new UdpSender(endpoint.host, endpoint.port);
    return {
      async send(messages) {
        for (const bytes of encode(messages)) {
          for (const chunk of chunkGelf(compress(bytes, options), randomBytes(8)) ?? []) await socket.send(chunk);
        }
      },
      patience: endlessPatience,
      close: () => socket.close(),
    };
  }
  const connection = new StreamConnection(endpoint);
  return {
    async send(messages) {
      // Over TCP a zero byte ends each.
      const bytes = encode(messages).flatMap((message) => [message, Buffer.of(0)]);
      if (bytes.length > 0) await connection.write(Buffer.concat(bytes));
    },
    patience: (failures) => (maxReconnect !== undefined && failures > maxReconnect ? undefined : reconnectMilliseconds),
    close: () => connection.close(),
  };
}
