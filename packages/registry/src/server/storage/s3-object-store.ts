import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import type { BodyOptions, ByteRange, ListedObject, ObjectBody, ObjectStat, ObjectStore } from './object-store.ts';

export interface S3StoreOptions {
  readonly client: S3Client;
  readonly bucket: string;
  /** Ends with a slash, or is ''. */
  readonly prefix: string;
  readonly redirect: boolean;
}

const redirectSeconds = 20 * 60;

/** Objects in a bucket, which is read as it was written last: S3 and what speaks like it have promised that. */
export class S3ObjectStore implements ObjectStore {
  readonly options: S3StoreOptions;

  constructor(options: S3StoreOptions) {
    this.options = options;
  }

  /** What every command names. */
  at(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.options.bucket, Key: this.options.prefix + key };
  }

  async read(key: string): Promise<Buffer | undefined> {
    try {
      const { Body } = await this.options.client.send(new GetObjectCommand(this.at(key)));
      return Buffer.from(await Body!.transformToByteArray());
    } catch (error) {
      return ignoreMissing(error);
    }
  }

  async write(key: string, bytes: Uint8Array | string): Promise<void> {
    const Body = Buffer.from(bytes);
    // The SDK names no length for an empty body by itself.
    await this.options.client.send(new PutObjectCommand({ ...this.at(key), Body, ContentLength: Body.length }));
  }

  async touch(key: string): Promise<boolean> {
    const { Bucket, Key } = this.at(key);
    // A copy onto itself must change something: it replaces the metadata.
    const Metadata = { touched: String(Date.now()) };
    const CopySource = `${Bucket}/${encodeURIComponent(Key)}`;
    try {
      const command = new CopyObjectCommand({ Bucket, Key, CopySource, MetadataDirective: 'REPLACE', Metadata });
      await this.options.client.send(command);
      return true;
    } catch (error) {
      ignoreMissing(error);
      return false;
    }
  }

  async stat(key: string): Promise<ObjectStat | undefined> {
    try {
      const found = await this.options.client.send(new HeadObjectCommand(this.at(key)));
      return { size: found.ContentLength ?? 0, modified: found.LastModified?.getTime() ?? 0 };
    } catch (error) {
      return ignoreMissing(error);
    }
  }

  async remove(key: string): Promise<void> {
    await this.options.client.send(new DeleteObjectCommand(this.at(key)));
  }

  async *list(prefix: string): AsyncIterable<ListedObject> {
    for await (const { Contents = [] } of this.#pages(prefix, undefined)) {
      for (const { Key = '', Size = 0, LastModified } of Contents) {
        yield { key: Key.slice(this.options.prefix.length), size: Size, modified: LastModified?.getTime() ?? 0 };
      }
    }
  }

  async children(prefix: string): Promise<string[]> {
    const whole = this.options.prefix + prefix;
    const names = new Set<string>();
    for await (const { Contents = [], CommonPrefixes = [] } of this.#pages(prefix, '/')) {
      for (const { Key = '' } of Contents) names.add(Key.slice(whole.length));
      for (const { Prefix = '' } of CommonPrefixes) names.add(Prefix.slice(whole.length, -1));
    }
    return [...names].filter((name) => name !== '').sort();
  }

  async *#pages(prefix: string, delimiter: string | undefined) {
    const Prefix = this.options.prefix + prefix;
    let token: string | undefined;
    do {
      const page = await this.options.client.send(
        new ListObjectsV2Command({
          Bucket: this.options.bucket,
          Prefix,
          ...(delimiter !== undefined && { Delimiter: delimiter }),
          ...(token !== undefined && { ContinuationToken: token }),
        }),
      );
      yield page;
      token = page.NextContinuationToken;
    } while (token !== undefined);
  }

  async body(key: string, { start, end }: ByteRange, { signal, direct }: BodyOptions): Promise<ObjectBody | undefined> {
    const { client, redirect } = this.options;
    if (redirect && !direct) {
      const location = await getSignedUrl(client, new GetObjectCommand(this.at(key)), { expiresIn: redirectSeconds });
      return { kind: 'redirect', location };
    }
    // An empty range cannot be asked for.
    if (end <= start) return { kind: 'body', body: new Blob([]) };
    try {
      const command = new GetObjectCommand({ ...this.at(key), Range: `bytes=${start}-${end - 1}` });
      const { Body } = await client.send(command, { abortSignal: signal });
      return { kind: 'body', body: Body!.transformToWebStream() as ReadableStream<Uint8Array> };
    } catch (error) {
      return ignoreMissing(error);
    }
  }

  async close(): Promise<void> {
    this.options.client.destroy();
  }
}

/** HEAD has no body to name the error in, so that the status decides. */
function ignoreMissing(error: unknown): undefined {
  const { name, $metadata } = error as { name?: string; $metadata?: { httpStatusCode?: number } };
  if (name === 'NoSuchKey' || name === 'NotFound' || $metadata?.httpStatusCode === 404) return undefined;
  throw error;
}
