import { createHash } from 'node:crypto';
import { createReadStream, statSync } from 'node:fs';
import { digestHex } from '@wharf/oci/digest';
import { digestOf } from '@wharf/oci/digest-of';
import { formatTarHeader, tarPadding, tarTrailer } from '@wharf/oci/layer/tar-writer';

export interface RootImage {
  /** As it is called in the end: `debian:bookworm`. */
  readonly name: string;
  readonly architecture: string;
  readonly created: Date;
  readonly command: readonly string[];
  readonly history: string;
}

/** A docker-archive of one layer, which is a tar on disk. The same tar gives the same archive. */
export async function* rootArchive(path: string, image: RootImage): AsyncGenerator<Uint8Array> {
  const diffId = await digestOfFile(path);
  const { size } = statSync(path);
  const config = Buffer.from(JSON.stringify(imageConfig(image, diffId)));
  const configName = `${digestHex(digestOf(config))}.json`;
  const layerName = `${digestHex(diffId)}/layer.tar`;
  const manifest = [{ Config: configName, RepoTags: [image.name], Layers: [layerName] }];
  yield* member('manifest.json', Buffer.from(JSON.stringify(manifest)));
  yield* member(configName, config);
  yield formatTarHeader({ type: 'file', name: layerName, size });
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) yield chunk as Buffer;
  yield tarPadding(size);
  yield tarTrailer();
}

function* member(name: string, bytes: Buffer): Generator<Uint8Array> {
  yield formatTarHeader({ type: 'file', name, size: bytes.length });
  yield bytes;
  yield tarPadding(bytes.length);
}

function imageConfig({ architecture, created, command, history }: RootImage, diffId: string): object {
  const time = created.toISOString();
  return {
    architecture,
    os: 'linux',
    created: time,
    config: {
      Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
      ...(command.length > 0 ? { Cmd: command } : {}),
    },
    rootfs: { type: 'layers', diff_ids: [diffId] },
    history: [{ created: time, created_by: history }],
  };
}

async function digestOfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return `sha256:${hash.digest('hex')}`;
}
