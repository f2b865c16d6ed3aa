import { createServer, type Server, type Socket } from 'node:net';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import type { Digest } from '@wharf/oci/digest';
import { digestOf } from '@wharf/oci/digest-of';
import { mediaTypes } from '@wharf/oci/media-type';
import { hostPlatform, type Platform } from '@wharf/oci/platform';

/** For tests: a registry that serves images made by code, and breaks as it is told. */
export interface RegistryRequest {
  readonly method: string;
  /** `/v2/a/manifests/latest` */
  readonly path: string;
  readonly headers: ReadonlyMap<string, string>;
  /** From a Range header; the end is exclusive. */
  readonly range: { readonly start: number; readonly end: number | undefined } | undefined;
  /** How many requests for the same path came before. */
  readonly before: number;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | number>>;
  readonly body?: Buffer | string;
  /** Breaks the connection after so many bytes of the body. */
  readonly cutAfter?: number;
  /** Waits so many milliseconds before each `step` bytes. */
  readonly slow?: { readonly milliseconds: number; readonly step: number };
  /** Says nothing more after so many bytes of the body, and does not close. */
  readonly stallAfter?: number;
}

/** What happens instead of `honest`; undefined is honest. */
export type Behaviour = (request: RegistryRequest, honest: Answer) => Answer | undefined;

export type LayerCompression = 'gzip' | 'zstd' | 'zstd:chunked' | 'none';

export interface MadeLayer {
  readonly digest: Digest;
  readonly diffId: Digest;
  readonly blob: Buffer;
  readonly mediaType: string;
}

export class LyingRegistry {
  readonly requests: RegistryRequest[] = [];
  readonly blobs = new Map<Digest, Buffer>();
  /** By tag and by digest. */
  readonly manifests = new Map<string, { mediaType: string; bytes: Buffer }>();
  behave: Behaviour = () => undefined;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #port = 0;

  get host(): string {
    return `127.0.0.1:${this.#port}`;
  }

  async open(): Promise<this> {
    const server = createServer((socket) => this.#serve(socket));
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.#port = (server.address() as { port: number }).port;
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server!.close(resolve));
  }

  layer(tar: Buffer, compression: LayerCompression = 'gzip'): MadeLayer {
    const blob = compress(tar, compression);
    const suffix = compression === 'none' ? '' : `+${compression.split(':')[0]}`;
    const layer = { digest: digestOf(blob), diffId: digestOf(tar), blob, mediaType: mediaTypes.ociLayer + suffix };
    this.blobs.set(layer.digest, blob);
    return layer;
  }

  image(tag: string, layers: readonly MadeLayer[], options: ImageOptions = {}): Digest {
    const { platform = hostPlatform(), diffIds = layers.map(({ diffId }) => diffId) } = options;
    const config = Buffer.from(
      JSON.stringify({ ...platform, config: { Cmd: ['sh'] }, rootfs: { type: 'layers', diff_ids: diffIds } }),
    );
    this.blobs.set(digestOf(config), config);
    return this.manifest(tag, options.mediaType ?? mediaTypes.ociManifest, {
      schemaVersion: 2,
      mediaType: options.mediaType ?? mediaTypes.ociManifest,
      config: {
        mediaType: options.configType ?? mediaTypes.ociConfig,
        digest: digestOf(config),
        size: config.length,
      },
      layers: layers.map(({ digest, mediaType, blob }) => ({ mediaType, digest, size: blob.length })),
    });
  }

  index(tag: string, images: readonly { digest: Digest; platform: Platform }[]): Digest {
    return this.manifest(tag, mediaTypes.ociIndex, {
      schemaVersion: 2,
      mediaType: mediaTypes.ociIndex,
      manifests: images.map(({ digest, platform }) => ({
        mediaType: mediaTypes.ociManifest,
        digest,
        size: this.manifests.get(digest)!.bytes.length,
        platform,
      })),
    });
  }

  manifest(tag: string, mediaType: string, value: object): Digest {
    const bytes = Buffer.from(JSON.stringify(value));
    const digest = digestOf(bytes);
    this.manifests.set(tag, { mediaType, bytes });
    this.manifests.set(digest, { mediaType, bytes });
    return digest;
  }

  /** Requests for the bytes of a blob. */
  fetches(digest: Digest): RegistryRequest[] {
    return this.requests.filter(({ method, path }) => method === 'GET' && path.endsWith(`/blobs/${digest}`));
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    let head = '';
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('data', (bytes) => {
      // TLS, which is tried first.
      if (bytes[0] === 0x16) socket.destroy();
      head += bytes.toString('latin1');
      if (!head.includes('\r\n\r\n')) return;
      const request = this.#parse(head);
      head = '';
      if (!request) {
        socket.destroy();
        return;
      }
      this.requests.push(request);
      const honest = this.#honest(request);
      void send(socket, request, this.behave(request, honest) ?? honest);
    });
  }

  #parse(head: string): RegistryRequest | undefined {
    const [first = '', ...lines] = head.split('\r\n');
    const [method = '', target = '', version = ''] = first.split(' ');
    if (!version.startsWith('HTTP/')) return undefined;
    const headers = new Map(
      lines.flatMap((line) => {
        const colon = line.indexOf(':');
        return colon < 0 ? [] : [[line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const];
      }),
    );
    const range = /^bytes=(\d+)-(\d*)$/.exec(headers.get('range') ?? '');
    return {
      method,
      path: target.split('?')[0]!,
      headers,
      range: range ? { start: Number(range[1]), end: range[2] ? Number(range[2]) + 1 : undefined } : undefined,
      before: this.requests.filter(({ path }) => path === target).length,
    };
  }

  #honest({ path, range }: RegistryRequest): Answer {
    const [, kind, name = ''] = /^\/v2\/.+\/(manifests|blobs|tags)\/([^/]+)$/.exec(path) ?? [];
    if (path === '/v2/') return json(200, {});
    if (kind === 'tags') {
      return json(200, { name: 'a', tags: [...this.manifests.keys()].filter((tag) => !tag.includes(':')) });
    }
    if (kind === 'manifests') {
      const found = this.manifests.get(name);
      if (!found) return failure(404, 'MANIFEST_UNKNOWN', 'manifest unknown');
      return {
        status: 200,
        headers: { 'Content-Type': found.mediaType, 'Docker-Content-Digest': digestOf(found.bytes) },
        body: found.bytes,
      };
    }
    const blob = kind === 'blobs' ? this.blobs.get(name) : undefined;
    if (!blob) return failure(404, 'BLOB_UNKNOWN', 'blob unknown to registry');
    return range ? partOf(blob, range) : { status: 200, body: blob };
  }
}

export interface ImageOptions {
  readonly platform?: Platform;
  readonly diffIds?: readonly Digest[];
  readonly mediaType?: string;
  readonly configType?: string;
}

export function partOf(
  blob: Buffer,
  { start, end = blob.length }: { start: number; end?: number | undefined },
): Answer {
  if (start >= blob.length) return { status: 416, headers: { 'Content-Range': `bytes */${blob.length}` } };
  const last = Math.min(end, blob.length);
  return {
    status: 206,
    headers: { 'Content-Range': `bytes ${start}-${last - 1}/${blob.length}` },
    body: blob.subarray(start, last),
  };
}

export function json(status: number, value: unknown): Answer {
  return { status, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(value) };
}

export function failure(status: number, code: string, message: string): Answer {
  return json(status, { errors: [{ code, message }] });
}

async function send(socket: Socket, { method }: RegistryRequest, answer: Answer): Promise<void> {
  const body = Buffer.from((answer.body ?? '') as string);
  const headers = { 'Content-Length': body.length, Connection: 'close', ...answer.headers };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`HTTP/1.1 ${answer.status} Answer\r\n${lines.join('')}\r\n`);
  if (method === 'HEAD') {
    socket.end();
    return;
  }
  const end = Math.min(body.length, answer.cutAfter ?? body.length, answer.stallAfter ?? body.length);
  const step = answer.slow?.step ?? 64 << 10;
  for (let at = 0; at < end && !socket.destroyed; at += step) {
    if (answer.slow) await new Promise((resolve) => setTimeout(resolve, answer.slow!.milliseconds));
    const isTaken = socket.write(body.subarray(at, Math.min(at + step, end)));
    if (!isTaken) await new Promise((resolve) => socket.once('drain', resolve).once('close', resolve));
  }
  if (answer.stallAfter !== undefined) return;
  if (answer.cutAfter === undefined) socket.end();
  // What was sent arrives before the connection breaks.
  else socket.end(() => socket.destroy());
}

function compress(tar: Buffer, compression: LayerCompression): Buffer {
  switch (compression) {
    case 'gzip':
      return gzipSync(tar, { level: 1 });
    case 'zstd':
      return zstdCompressSync(tar);
    case 'zstd:chunked':
      // A frame for each part of the tar, then its table of contents in frames that others skip.
      return Buffer.concat([
        zstdCompressSync(tar.subarray(0, 700)),
        zstdCompressSync(tar.subarray(700)),
        skippableFrame(Buffer.from('{"version":1}')),
        skippableFrame(Buffer.alloc(64)),
      ]);
    case 'none':
      return tar;
  }
}

/** RFC 8878, 3.1.2 */
function skippableFrame(content: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32LE(0x184d2a50);
  head.writeUInt32LE(content.length, 4);
  return Buffer.concat([head, content]);
}
