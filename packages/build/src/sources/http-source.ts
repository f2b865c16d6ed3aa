import { createHash, type Hash } from 'node:crypto';
import { chownSync, closeSync, futimesSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError, invalidArgument } from '@wharf/base/error';
import { type Digest, parseDigest } from '@wharf/oci/digest';
import { requireSpace } from '../trees/require-space.ts';

const spaceCheckInterval = 64 << 20;
/** BuildKit's name for the client itself, which sends a stream of its own. */
const uploadHost = 'buildkit-session';

/** What a client sends under a path. */
export type OpenUpload = (path: string) => AsyncIterable<Uint8Array>;

export interface HttpSource {
  readonly url: string;
  /** Of the source op: `http.filename`, `http.checksum`, `http.perm`, `http.uid`, `http.gid`. */
  readonly attrs: Readonly<Record<string, string>>;
}

/**
 * Downloads one file into an empty directory. What a server says of its time is the file's; without, it is 1970.
 * Answers its digest.
 */
export async function downloadFile(
  { url, attrs }: HttpSource,
  directory: string,
  { signal, openUpload }: { signal: AbortSignal; openUpload: OpenUpload | undefined },
): Promise<Digest> {
  const { hostname, pathname } = new URL(url);
  const response =
    openUpload && hostname === uploadHost ? new Response(streamOf(openUpload(pathname))) : await request(url, signal);
  const path = join(directory, fileName(attrs['http.filename'], response));
  const checksum = attrs['http.checksum'];
  if (checksum) parseDigest(checksum);
  const hash = createHash('sha256');
  const fd = openSync(path, 'wx', numberOf(attrs, 'http.perm', 8) ?? 0o600);
  try {
    await receive(response, fd, { hash, directory });
    const time = Date.parse(response.headers.get('last-modified') ?? '') / 1000 || 0;
    futimesSync(fd, time, time);
  } finally {
    closeSync(fd);
  }
  chownSync(path, numberOf(attrs, 'http.uid', 10) ?? 0, numberOf(attrs, 'http.gid', 10) ?? 0);
  const found = `sha256:${hash.digest('hex')}`;
  if (checksum && found !== checksum) throw invalidArgument(`digest mismatch ${found}: ${checksum}`);
  return found;
}

async function request(url: string, signal: AbortSignal): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { signal, headers: { 'User-Agent': 'wharf' } });
  } catch (cause) {
    if (signal.aborted) throw signal.reason;
    const { message } = cause as Error;
    throw new EngineError('unavailable', `failed to GET ${shown(url)}: ${message}`, { cause });
  }
  if (response.ok) return response;
  await response.body?.cancel();
  const status = `${response.status} ${response.statusText}`.trim();
  throw invalidArgument(`failed to GET ${shown(url)} with status ${status}`);
}

function streamOf(chunks: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]();
  return new ReadableStream({
    async pull(controller) {
      const { value, done } = await iterator.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await iterator.return?.();
    },
  });
}

async function receive(
  { body }: Response,
  fd: number,
  { hash, directory }: { hash: Hash; directory: string },
): Promise<void> {
  let unchecked = 0;
  for await (const chunk of body ?? []) {
    for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at);
    hash.update(chunk);
    unchecked += chunk.length;
    if (unchecked < spaceCheckInterval) continue;
    unchecked = 0;
    requireSpace(directory, 'the download');
  }
}

/** As the op says, as the server says, or the last part of the address. */
function fileName(wanted: string | undefined, { url, headers }: Response): string {
  const offered = /filename="?([^";]+)"?/.exec(headers.get('content-disposition') ?? '')?.[1];
  const name = wanted || baseName(offered ?? '') || baseName(new URL(url).pathname) || 'download';
  if (name.includes('/') || name.includes('\0') || name === '.' || name === '..') {
    throw invalidArgument(`invalid filename ${JSON.stringify(name)} of a download`);
  }
  return name;
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function numberOf(attrs: HttpSource['attrs'], name: string, radix: 8 | 10): number | undefined {
  const text = attrs[name];
  if (!text) return undefined;
  if (!(radix === 8 ? /^0?o?[0-7]{1,5}$/ : /^\d{1,10}$/).test(text)) throw invalidArgument(`invalid ${name} ${text}`);
  return Number.parseInt(text.replace('o', ''), radix);
}

/** No password in an address reaches an error. */
function shown(url: string): string {
  return url.replace(/^(https?:\/\/)[^/@]*@/, '$1xxxxx@');
}
