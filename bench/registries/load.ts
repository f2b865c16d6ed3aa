import { connect } from 'node:net';
import type { BenchRegistry } from './bench-registry.ts';

/** Content to push: a file and its digest. */
export interface BlobFile {
  readonly path: string;
  readonly digest: string;
  readonly size: number;
}

/** As Docker pushes a layer: begins an upload, streams it with PATCH, ends it with PUT. */
export async function pushBlob(registry: BenchRegistry, repository: string, { path, digest }: BlobFile): Promise<void> {
  const { base } = registry;
  const started = await fetch(`${base}/v2/${repository}/blobs/uploads/`, { method: 'POST' });
  const patched = await fetch(new URL(started.headers.get('location')!, base), {
    method: 'PATCH',
    headers: { 'Content-Type': 'application/octet-stream' },
    body: Bun.file(path),
  });
  const url = new URL(patched.headers.get('location')!, base);
  url.searchParams.set('digest', digest);
  const put = await fetch(url, { method: 'PUT' });
  if (put.status !== 201) throw new Error(`${registry.name}: push: ${put.status} ${await put.text()}`);
}

/** Reads an answer and drops it: what is measured is the server. Resolves with the bytes of the body. */
export function drain({ port }: BenchRegistry, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    let head = Buffer.alloc(0);
    let length = -1;
    let received = 0;
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`${path} was cut off`)));
    socket.on('data', (chunk: Buffer) => {
      if (length < 0) {
        head = Buffer.concat([head, chunk]);
        const end = head.indexOf('\r\n\r\n');
        if (end < 0) return;
        const text = head.toString('latin1', 0, end);
        if (!text.startsWith('HTTP/1.1 200')) return void socket.destroy(new Error(text));
        length = Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1]);
        received = head.length - end - 4;
      } else {
        received += chunk.length;
      }
      if (received < length) return;
      socket.removeAllListeners('close');
      socket.destroy();
      resolve(received);
    });
    socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
  });
}

/** Answers a second to the same small question on so many kept connections. */
export async function requestRate(
  { port }: BenchRegistry,
  path: string,
  { connections, milliseconds, accept }: { connections: number; milliseconds: number; accept: string },
): Promise<number> {
  const request = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept: ${accept}\r\n\r\n`;
  let answers = 0;
  const began = performance.now();
  await Promise.all(
    Array.from(
      { length: connections },
      () =>
        new Promise<void>((resolve, reject) => {
          const socket = connect({ port, host: '127.0.0.1' });
          let expected = 0;
          let received = 0;
          socket.on('error', reject);
          socket.on('data', (chunk: Buffer) => {
            if (received === 0 && expected === 0) {
              const text = chunk.toString('latin1');
              if (!text.startsWith('HTTP/1.1 200')) return void socket.destroy(new Error(text));
              // All answers are as long as the first.
              expected = text.indexOf('\r\n\r\n') + 4 + Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1]);
            }
            received += chunk.length;
            if (received < expected) return;
            received = 0;
            answers++;
            if (performance.now() - began < milliseconds) return void socket.write(request);
            socket.destroy();
            resolve();
          });
          socket.write(request);
        }),
    ),
  );
  return answers / ((performance.now() - began) / 1000);
}
