import type { Socket } from 'node:net';
import { finished } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import type { ApiVersion } from '@wharf/api/version';
import { atLeast } from '@wharf/api/version';
import type { AttachedStream } from '@wharf/engine/engine';
import { hasHungUp, unreadByPeer } from '@wharf/sys/hangup';
import type { Context } from './context.ts';
import { descriptorOf } from './http/descriptor.ts';
import type { Hijacked } from './http/exchange.ts';

const rawStream = 'application/vnd.docker.raw-stream';
const multiplexedStream = 'application/vnd.docker.multiplexed-stream';

/** From 1.42 on, clients are told whether stdout and stderr share the stream in frames. */
export function streamContentType(version: ApiVersion, tty: boolean): string {
  return !tty && atLeast(version, 42) ? multiplexedStream : rawStream;
}

/** Takes the connection over, with or without `Upgrade`, in dockerd's words. */
export function hijack<P>(context: Context<P>, tty: boolean): Hijacked {
  if (context.header('upgrade') === undefined) {
    return context.hijack(`HTTP/1.1 200 OK\r\nContent-Type: ${rawStream}\r\n\r\n`);
  }
  const contentType = streamContentType(context.version, tty);
  return context.hijack(
    `HTTP/1.1 101 UPGRADED\r\nContent-Type: ${contentType}\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n`,
  );
}

/** For how long a client that does not read the head is waited for. */
const headMilliseconds = 500;
const unseenHeadMilliseconds = 10;
const lingerMilliseconds = 10_000;
/** A client that ended its writing and then leaves is noticed by the next output, or else this soon. */
const hangupCheckMilliseconds = 5000;

/**
 * Joins a client's connection and a container's stdio, both directions on their own: the client's end of writing is
 * EOF for stdin while output goes on. Resolves when the output has ended and was handed to the kernel, or when the
 * client is gone. Neither side is read faster than the other one takes.
 */
export async function splice(
  { socket, head }: Hijacked,
  { stream, ended }: AttachedStream,
  userAgent = '',
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let isOutputOver = false;
  socket.on('close', () => {
    stream.destroy();
    resolve();
  });

  if (head.length > 0) stream.write(head);
  socket.on('data', (chunk: Buffer) => {
    if (!stream.writable) return;
    if (!stream.write(chunk)) {
      socket.pause();
      stream.once('drain', () => socket.resume());
    }
  });
  finished(socket, { writable: false }, () => stream.end());
  const stopWatching = watchHangup(socket);
  socket.once('close', stopWatching);

  let begun: Promise<void> | undefined;
  function send(chunk: Buffer): void {
    if (!socket.write(chunk)) {
      stream.pause();
      socket.once('drain', () => stream.resume());
    }
  }
  stream.once('data', (first: Buffer) => {
    stream.pause();
    begun = whenHeadIsTaken(socket, userAgent).then(() => {
      stream.on('data', send);
      stream.resume();
      send(first);
    });
  });
  // A stream error ends the output; the engine has told it in the stream if there was something to tell.
  finished(stream, { writable: false }, finishOutput);
  socket.resume();

  function finishOutput(): void {
    if (isOutputOver || socket.destroyed) return;
    isOutputOver = true;
    // What the client still sends is dropped: closing with unread bytes would reset away our last output.
    stream.destroy();
    socket.resume();
    if (begun || ended) void Promise.allSettled([begun, ended]).then(endSocket);
    else endSocket();
  }

  function endSocket(): void {
    socket.end(resolve);
    const timer = setTimeout(() => socket.destroy(), lingerMilliseconds);
    timer.unref();
    socket.once('close', () => clearTimeout(timer));
  }

  await promise;
}

/**
 * Output does not arrive in one piece with the head: Docker's SDK for Python reads the head through a buffer, and loses
 * what else is in it. Slower engines are never that early. Of a TCP connection one cannot see what its client has read:
 * that client alone is given some time.
 */
async function whenHeadIsTaken(socket: Socket, userAgent: string): Promise<void> {
  const isTcp = socket.remoteAddress !== undefined;
  if (isTcp && userAgent.startsWith('docker-sdk-python/')) await pause(unseenHeadMilliseconds);
  for (let waited = 0; waited < headMilliseconds; waited++) {
    const fd = descriptorOf(socket);
    if (fd === undefined || socket.destroyed || unreadByPeer(fd) === 0) return;
    await pause(1);
  }
}

/** Destroys the socket when its client is gone: after a half-close no event tells, and Bun may just drop the handle. */
function watchHangup(socket: Socket): () => void {
  if (descriptorOf(socket) === undefined) return () => {};
  const watch = setInterval(() => {
    const fd = descriptorOf(socket);
    if (fd === undefined || hasHungUp(fd)) socket.destroy();
  }, hangupCheckMilliseconds);
  watch.unref();
  return () => clearInterval(watch);
}
