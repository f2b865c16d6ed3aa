import { digestOf } from '../digest-of.ts';
import type { ImageConfig } from '../image-config.ts';
import { formatTarHeader, tarPadding, tarTrailer } from '../layer/tar-writer.ts';
import { type ElfArchitecture, greetingProgram } from './elf.ts';
import { greeting } from './greeting.ts';

/** The name that the product's own image answers to. */
export const helloReference = 'wharf/hello:latest';

/** The image as a docker-archive, ready for `load`: the same bytes every time. */
export function helloArchive(architecture: ElfArchitecture): Buffer {
  const layer = tar([['hello', greetingProgram(architecture, greeting), 0o755]]);
  const created = '2026-01-01T00:00:00Z';
  const config: ImageConfig = {
    architecture,
    os: 'linux',
    created,
    config: { Cmd: ['/hello'], WorkingDir: '/' },
    rootfs: { type: 'layers', diff_ids: [digestOf(layer)] },
    history: [
      { created, created_by: 'COPY hello /' },
      { created, created_by: 'CMD ["/hello"]', empty_layer: true },
    ],
  };
  const configBytes = Buffer.from(JSON.stringify(config));
  const configName = `${digestOf(configBytes).slice('sha256:'.length)}.json`;
  const manifest = [{ Config: configName, RepoTags: [helloReference], Layers: ['layer.tar'] }];
  return tar([
    [configName, configBytes, 0o644],
    ['layer.tar', layer, 0o644],
    ['manifest.json', Buffer.from(JSON.stringify(manifest)), 0o644],
  ]);
}

function tar(files: readonly (readonly [name: string, content: Buffer, mode: number])[]): Buffer {
  const parts = files.flatMap(([name, content, mode]) => [
    formatTarHeader({ type: 'file', name, mode, size: content.length }),
    content,
    tarPadding(content.length),
  ]);
  return Buffer.concat([...parts, tarTrailer()]);
}
