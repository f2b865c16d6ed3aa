import type { Digest } from '@wharf/oci/digest';
import type { RegistryHost } from '../client/hosts.ts';
import { ConnectionFailure, RegistryError } from '../client/registry-error.ts';
import type { Repository } from '../client/repository.ts';
import { pause, type Wait, waitAfter } from '../client/retry.ts';

/** Bytes that can be read from any offset, as often as it takes. */
export interface UploadSource {
  readonly digest: Digest;
  readonly size: number;
  open(offset: number): ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer>;
}

type UploadBody = Uint8Array<ArrayBuffer> | { readonly stream: ReadableStream<Uint8Array>; readonly length: number };

export interface UploadOptions {
  readonly repository: Repository;
  readonly signal: AbortSignal;
  /** Tries without any progress between them. */
  readonly attempts: number;
  /** Of the blob, bytes sent so far; falls back where a try begins again. */
  readonly onProgress: (sent: number) => void;
  readonly onWait: (wait: Wait) => void;
  /** An upload that the registry has opened already. */
  readonly location?: string | undefined;
}

/** Below this a blob goes in one request after that which opens the upload. */
const monolithic = 4 << 20;

/**
 * Sends a blob. A large one is taken up again where the registry says it stopped; what the registry no longer knows
 * begins anew. distribution-spec: Pushing a blob in chunks, Pushing a blob monolithically
 */
export async function uploadBlob(source: UploadSource, options: UploadOptions): Promise<void> {
  const { signal, attempts, onWait } = options;
  const upload = new Upload(source, options);
  let best = -1;
  for (let failures = 1; ; failures++) {
    try {
      await upload.goOn();
      return;
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (upload.acknowledged > best) failures = 1;
      best = Math.max(best, upload.acknowledged);
      const seconds = waitAfter(isUnknownUpload(error) ? lost(error) : error, failures, { attempts, signal });
      if (seconds === undefined) throw error;
      onWait({ seconds, error: error as Error });
      await pause(seconds, signal);
    }
  }
}

class Upload {
  readonly #source: UploadSource;
  readonly #options: UploadOptions;
  readonly #host: RegistryHost;
  #location: string | undefined;
  #begun = false;
  /** Bytes that the registry has said it holds. */
  acknowledged = 0;

  constructor(source: UploadSource, options: UploadOptions) {
    this.#source = source;
    this.#options = options;
    this.#host = options.repository.pushHost();
    this.#location = options.location;
  }

  async goOn(): Promise<void> {
    const { size } = this.#source;
    if (this.#begun && this.#location !== undefined) await this.#askOffset();
    if (this.#location === undefined) await this.#open();
    this.#begun = true;
    if (size < monolithic && this.acknowledged === 0) {
      await this.#finish(this.#body(0));
      return;
    }
    if (this.acknowledged < size) await this.#append();
    await this.#finish(undefined);
  }

  async #open(): Promise<void> {
    this.acknowledged = 0;
    const response = await this.#send('POST', 'blobs/uploads/', { 'Content-Length': '0' });
    this.#take(response);
  }

  /** How far the registry has it; it may have forgotten the upload. */
  async #askOffset(): Promise<void> {
    const { repository, signal } = this.#options;
    const response = await repository.send(this.#host, this.#location!, {
      method: 'GET',
      signal,
      scopes: repository.pushScopes(),
    });
    await response.body?.cancel().catch(() => undefined);
    const end = /^(?:bytes=)?0-(\d+)$/.exec(response.headers.get('range') ?? '')?.[1];
    if (!response.ok || end === undefined) {
      this.#location = undefined;
      return;
    }
    this.#take(response);
    // `0-0` stands for nothing, and for one byte: to send that again is an error only where it was there.
    this.acknowledged = end === '0' ? 0 : Number(end) + 1;
    if (end === '0' || this.acknowledged > this.#source.size) this.#location = undefined;
  }

  async #append(): Promise<void> {
    const from = this.acknowledged;
    const { size } = this.#source;
    const headers: Record<string, string> = { 'Content-Type': 'application/octet-stream' };
    if (from > 0) headers['Content-Range'] = `${from}-${size - 1}`;
    const response = await this.#send('PATCH', this.#location!, headers, this.#body(from));
    this.#take(response);
    this.acknowledged = size;
  }

  async #finish(body: UploadBody | undefined): Promise<void> {
    const url = new URL(this.#location!);
    url.searchParams.set('digest', this.#source.digest);
    const headers = body ? { 'Content-Type': 'application/octet-stream' } : { 'Content-Length': '0' };
    const response = await this.#send('PUT', url.href, headers, body);
    await response.body?.cancel().catch(() => undefined);
  }

  #body(from: number): UploadBody {
    const { onProgress } = this.#options;
    const content = this.#source.open(from);
    if (content instanceof Uint8Array) {
      onProgress(this.#source.size);
      return content;
    }
    let sent = from;
    const counted = content.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          sent += chunk.length;
          onProgress(sent);
          controller.enqueue(chunk);
        },
      }),
    );
    return { stream: counted, length: this.#source.size - from };
  }

  async #send(
    method: 'POST' | 'PATCH' | 'PUT',
    path: string,
    headers: Record<string, string>,
    body?: UploadBody,
  ): Promise<Response> {
    const { repository, signal } = this.#options;
    const scopes = repository.pushScopes();
    // A body takes as long as it takes before there is an answer.
    const patience = body ? { answerTimeout: 0 } : {};
    return repository.ok(this.#host, path, { method, headers, body, signal, scopes, ...patience });
  }

  #take(response: Response): void {
    void response.body?.cancel().catch(() => undefined);
    const location = response.headers.get('location');
    if (location) this.#location = new URL(location, response.url).href;
  }
}

function isUnknownUpload(error: unknown): boolean {
  if (!(error instanceof RegistryError)) return false;
  return error.has('BLOB_UPLOAD_UNKNOWN') || error.has('BLOB_UPLOAD_INVALID') || error.status === 416;
}

/** The upload is over, which may pass as a lost connection does. */
function lost(error: unknown): ConnectionFailure {
  return new ConnectionFailure((error as Error).message, error);
}
