import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import { type Duplex, finished } from 'node:stream';
import { invalidArgument } from '@wharf/base/error';
import type { Context } from './context.ts';
import { hasToken } from './http/request-head.ts';
import { encodeWebSocketFrame, WebSocketDecoder } from './websocket-frame.ts';

// RFC 6455 section 1.3
const acceptGuid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const lingerMilliseconds = 5000;

export interface WebSocketConnection {
  /** Sends one binary frame. */
  send(payload: Uint8Array): void;
  /** Joins the client and a container's stdio: frames feed stdin, output goes through `output`. */
  open(stream: Duplex, output: (chunk: Buffer) => void): Promise<void>;
}

/** Checks the handshake; the connection is taken over by `open`. */
export function acceptWebSocket<P>(context: Context<P>): WebSocketConnection {
  const key = context.header('sec-websocket-key') ?? '';
  const upgrade = context.header('upgrade') ?? '';
  if (!hasToken(upgrade, 'websocket') || !hasToken(context.header('connection') ?? '', 'upgrade')) {
    throw invalidArgument('not websocket protocol');
  }
  if (context.header('sec-websocket-version') !== '13') throw invalidArgument('missing or bad WebSocket Version');
  if (!/^[A-Za-z0-9+/]{22}==$/.test(key)) throw invalidArgument('challenge response did not match');
  const accept = createHash('sha1')
    .update(key + acceptGuid)
    .digest('base64');
  let socket: Socket | undefined;
  let behind = false;

  function send(payload: Uint8Array): void {
    if (payload.length > 0 && socket && !socket.destroyed) behind = !socket.write(encodeWebSocketFrame(2, payload));
  }

  async function open(stream: Duplex, output: (chunk: Buffer) => void): Promise<void> {
    const hijacked = context.hijack(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        `Sec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    const client = hijacked.socket;
    socket = client;
    const { promise, resolve } = Promise.withResolvers<void>();
    const decoder = new WebSocketDecoder({
      data: (payload) => {
        if (!stream.writable || stream.write(payload)) return;
        client.pause();
        stream.once('drain', () => client.resume());
      },
      ping: (payload) => client.write(encodeWebSocketFrame(10, payload)),
      close: leave,
    });

    function take(chunk: Buffer): void {
      try {
        decoder.push(chunk);
      } catch {
        finish(1002);
      }
    }

    /** As with a plain attach, the client's end is the end of stdin. */
    function leave(): void {
      stream.end(() => finish(1000));
      // A program that does not read its stdin must not hold the connection.
      setTimeout(finish, lingerMilliseconds, 1000).unref();
    }

    let isOver = false;
    function finish(code: number): void {
      if (isOver) return;
      isOver = true;
      stream.destroy();
      client.write(encodeWebSocketFrame(8, Buffer.from([code >> 8, code & 255])));
      client.end();
      client.resume();
      const timer = setTimeout(() => client.destroy(), lingerMilliseconds);
      timer.unref();
      client.once('close', () => clearTimeout(timer));
    }

    client.on('close', () => {
      stream.destroy();
      resolve();
    });
    client.on('end', leave);
    finished(stream, { writable: false }, (error) => finish(error ? 1011 : 1000));
    stream.on('data', (chunk: Buffer) => {
      output(chunk);
      if (!behind) return;
      stream.pause();
      client.once('drain', () => {
        behind = false;
        stream.resume();
      });
    });
    if (hijacked.head.length > 0) take(hijacked.head);
    client.on('data', take);
    client.resume();
    await promise;
  }

  return { send, open };
}
