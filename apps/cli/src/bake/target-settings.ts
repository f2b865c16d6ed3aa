import { join } from 'node:path';
import type { BuildSettings } from '../build/build-settings.ts';
import { isRemoteContext } from '../build/local-inputs.ts';
import { ExitError } from '../exit-error.ts';
import { parseSize } from '../flags/size.ts';
import { parseUlimit } from '../flags/values/device.ts';
import type { TargetFields } from './bake-plan.ts';

/** A target of a bake file as the settings of a build. */
export function targetSettings(
  name: string,
  fields: TargetFields,
  given: Pick<BuildSettings, 'push' | 'load' | 'noCache' | 'pull'>,
): BuildSettings {
  const text = (key: string) => String(fields[key] ?? '');
  const list = (key: string) => ((fields[key] as unknown[] | null) ?? []).map(entryText);
  const map = (key: string) => (fields[key] as Record<string, string> | null) ?? {};
  const context = text('context') || '.';
  const dockerfile = text('dockerfile');
  const contexts = Object.entries(map('contexts'));
  if (contexts.some(([, where]) => where.startsWith('target:'))) {
    throw new ExitError(
      1,
      `ERROR: target ${name}: a context of another target is not supported: build it first, and use docker-image://`,
    );
  }
  const isBeside = dockerfile === '' || dockerfile.startsWith('/') || isRemoteContext(context);
  return {
    context,
    file: isBeside ? dockerfile : join(context, dockerfile),
    fileText: fields['dockerfile-inline'] === undefined ? undefined : text('dockerfile-inline'),
    tags: list('tags'),
    buildArgs: map('args'),
    labels: map('labels'),
    annotations: list('annotations'),
    target: text('target'),
    platforms: list('platforms'),
    network: text('network') || 'default',
    addHosts: [],
    ulimits: list('ulimits').map(parseUlimit),
    shmSize: text('shm-size') === '' ? 0 : parseSize(text('shm-size')),
    cgroupParent: '',
    noCache: given.noCache || fields['no-cache'] === true,
    noCacheFilter: list('no-cache-filter'),
    pull: given.pull || fields.pull === true,
    outputs: list('output'),
    push: given.push,
    load: given.load,
    cacheFrom: list('cache-from'),
    cacheTo: list('cache-to'),
    secrets: list('secret'),
    ssh: list('ssh'),
    attests: list('attest'),
    buildContexts: contexts.map(([key, where]) => `${key}=${where}`),
    allow: list('entitlements'),
    call: text('call') || 'build',
  };
}

/** `{"type": "local", "dest": "out"}` is another way to write `type=local,dest=out`. */
function entryText(entry: unknown): string {
  if (typeof entry !== 'object' || entry === null) return String(entry);
  return Object.entries(entry)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}
