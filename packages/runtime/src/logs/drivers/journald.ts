import { randomBytes } from 'node:crypto';
import { UnixDatagramSender } from './datagram-sender.ts';
import { journalSocket } from './endpoint.ts';
import type { Forwarding } from './forwarding.ts';
import type { LogMessage } from './log-message.ts';
import { endlessPatience, type Sender } from './sender.ts';

const priorities = { stdout: '6', stderr: '3' } as const;

/** Names are of capital letters, digits and underscores, and begin with a letter: others are the journal's own. */
function fieldName(name: string): string {
  return name
    .toUpperCase()
    .replace(/[^A-Z0-9]/g, '_')
    .replace(/^_+/, '');
}

/** The fields that Docker gives to every message of a container. */
export function containerFields({ container, tag, attributes }: Forwarding): Record<string, string> {
  return {
    ...Object.fromEntries(Object.entries(attributes).map(([name, value]) => [fieldName(name), value])),
    CONTAINER_ID: container.id.slice(0, 12),
    CONTAINER_ID_FULL: container.id,
    CONTAINER_NAME: container.name,
    CONTAINER_TAG: tag,
    IMAGE_NAME: container.imageName,
    SYSLOG_IDENTIFIER: tag,
  };
}

/** The journal's native protocol: a value with a newline in it has its length before it. */
export function encodeJournal(fields: Readonly<Record<string, string | Buffer>>): Buffer {
  const parts = Object.entries(fields).flatMap(([name, value]) => {
    const bytes = Buffer.from(value as string);
    if (!bytes.includes(10)) return [Buffer.from(`${name}=`), bytes, newline];
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(bytes.length));
    return [Buffer.from(`${name}\n`), length, bytes, newline];
  });
  return Buffer.concat(parts);
}

const newline = Buffer.from('\n');

export function createJournaldSender(forwarding: Forwarding): Sender {
  const socket = new UnixDatagramSender(journalSocket);
  const fixed = { ...containerFields(forwarding), CONTAINER_LOG_EPOCH: randomBytes(32).toString('hex') };
  let ordinal = 0;
  const encode = ({ stream, time, line, partial }: LogMessage) =>
    encodeJournal({
      ...fixed,
      MESSAGE: line,
      PRIORITY: priorities[stream],
      SYSLOG_TIMESTAMP: time,
      CONTAINER_LOG_ORDINAL: String(ordinal),
      ...(partial && {
        CONTAINER_PARTIAL_ID: partial.id,
        CONTAINER_PARTIAL_ORDINAL: String(partial.ordinal),
        CONTAINER_PARTIAL_LAST: String(partial.last),
        ...(!partial.last && { CONTAINER_PARTIAL_MESSAGE: 'true' }),
      }),
    });
  return {
    async send(messages) {
      for (const message of messages) {
        await socket.send(encode(message));
        ordinal += 1;
      }
    },
    patience: endlessPatience,
    close: () => socket.close(),
  };
}
