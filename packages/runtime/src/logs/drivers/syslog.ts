import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { type DatagramSender, UdpSender, UnixDatagramSender } from './datagram-sender.ts';
import type { Endpoint } from './endpoint.ts';
import type { Forwarding } from './forwarding.ts';
import type { LogMessage } from './log-message.ts';
import { endlessPatience, type Sender } from './sender.ts';
import { StreamConnection } from './stream-connection.ts';
import { parseSyslogOptions, type SyslogFormat } from './syslog-options.ts';

const severities = { stdout: 6, stderr: 3 } as const;

interface Formatting {
  readonly format: SyslogFormat;
  readonly facility: number;
  readonly tag: string;
  readonly hostname: string;
  readonly pid: number;
}

/** A message with its newline, as Docker's driver writes each format. */
export function formatSyslog({ stream, time, line }: LogMessage, how: Formatting): Buffer {
  const { format, facility, tag, hostname, pid } = how;
  const priority = `<${facility * 8 + severities[stream]}>`;
  return Buffer.concat([Buffer.from(`${priority}${header()}`), line, Buffer.from('\n')]);

  function header(): string {
    switch (format) {
      case 'unix':
        return `${shortTime(time)} ${tag}[${pid}]: `;
      case 'rfc3164':
        return `${shortTime(time)} ${hostname} ${tag}[${pid}]: `;
      case 'rfc5424':
        return `1 ${longTime(time, 0)} ${hostname} ${tag} ${pid} ${tag} - `;
      case 'rfc5424micro':
        return `1 ${longTime(time, 6)} ${hostname} ${tag} ${pid} ${tag} - `;
    }
  }
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** RFC 3164, 4.1.2: the local time, without a year. */
function shortTime(time: string): string {
  const date = new Date(`${time.slice(0, 19)}Z`);
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map(twoDigits).join(':');
  return `${months[date.getMonth()]} ${String(date.getDate()).padStart(2)} ${clock}`;
}

/** RFC 3339 in local time, with so many digits of fraction. */
function longTime(time: string, digits: number): string {
  const utc = new Date(`${time.slice(0, 19)}Z`);
  const offset = -utc.getTimezoneOffset();
  const local = new Date(utc.getTime() + offset * 60_000).toISOString().slice(0, 19);
  const zone =
    offset === 0
      ? 'Z'
      : `${offset < 0 ? '-' : '+'}${twoDigits(Math.abs(offset) / 60)}:${twoDigits(Math.abs(offset) % 60)}`;
  return `${local}${digits === 0 ? '' : `.${time.slice(20, 20 + digits)}`}${zone}`;
}

function twoDigits(value: number): string {
  return String(Math.floor(value)).padStart(2, '0');
}

export function createSyslogSender({ options, tag }: Forwarding): Sender {
  const { endpoint: named, facility, format } = parseSyslogOptions(options);
  const endpoint = named ?? localSyslog();
  const how: Formatting = { format, facility, tag, hostname: hostname(), pid: process.pid };
  // RFC 5425, 4.3: over TLS each message has its length before it.
  const counted = endpoint.kind === 'tls' && (format === 'rfc5424' || format === 'rfc5424micro');
  const encode = (message: LogMessage) => {
    const bytes = formatSyslog(message, how);
    return counted ? Buffer.concat([Buffer.from(`${bytes.length} `), bytes]) : bytes;
  };
  if (endpoint.kind === 'udp' || endpoint.kind === 'unixgram') return new DatagramLines(endpoint, encode);
  const connection = new StreamConnection(endpoint);
  return {
    send: (messages) => connection.write(Buffer.concat(messages.map(encode))),
    patience: endlessPatience,
    close: () => connection.close(),
  };
}

/** Where syslog(3) and its kin listen. */
const localSockets = ['/dev/log', '/var/run/syslog', '/var/run/log'];

function localSyslog(): Endpoint {
  return { kind: 'unixgram', path: localSockets.find((path) => existsSync(path)) ?? localSockets[0]! };
}

class DatagramLines implements Sender {
  readonly patience = endlessPatience;
  readonly #socket: DatagramSender;
  readonly #encode: (message: LogMessage) => Buffer;

  constructor(endpoint: Extract<Endpoint, { kind: 'udp' | 'unixgram' }>, encode: (message: LogMessage) => Buffer) {
    this.#socket =
      endpoint.kind === 'udp' ? new UdpSender(endpoint.host, endpoint.port) : new UnixDatagramSender(endpoint.path);
    this.#encode = encode;
  }

  async send(messages: readonly LogMessage[]): Promise<void> {
    for (const message of messages) await this.#socket.send(this.#encode(message));
  }

  close(): void {
    this.#socket.close();
  }
}
