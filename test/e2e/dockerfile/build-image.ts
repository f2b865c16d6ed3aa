import { existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import type { Daemon } from '../../harness/daemon.ts';
import { target } from '../../harness/target.ts';
import type { BuildCase } from './build-case.ts';
import { contextTar, writeContext } from './context.ts';

/** Not every distribution packages it. */
export const buildx = [
  process.env.BUILDX ?? '',
  '/usr/libexec/docker/cli-plugins/docker-buildx',
  '/usr/lib/docker/cli-plugins/docker-buildx',
  '/usr/local/lib/docker/cli-plugins/docker-buildx',
].find((path) => path !== '' && existsSync(path));

export interface Built {
  readonly id: string;
  /** '' where it succeeded. */
  readonly error: string;
  readonly said: string;
}

/** By the classic wire, which needs no client program; by buildx where BuildKit itself is asked, or `WIRE=buildkit`. */
export function buildImage(daemon: Daemon, wanted: BuildCase): Promise<Built> {
  const byBuildx = target === 'docker' || wanted.needsBuildx || process.env.WIRE === 'buildkit';
  return byBuildx ? buildByBuildx(daemon, wanted) : buildByTar(daemon, wanted);
}

async function buildByTar(daemon: Daemon, wanted: BuildCase): Promise<Built> {
  const { args, labels, target: stage, dockerfile, extraHosts, network, shmSize, ulimit } = wanted.options ?? {};
  const query = new URLSearchParams({
    ...(args && { buildargs: JSON.stringify(args) }),
    ...(labels && { labels: JSON.stringify(labels) }),
    ...(stage !== undefined && { target: stage }),
    ...(dockerfile !== undefined && { dockerfile }),
    ...(extraHosts && { extrahosts: JSON.stringify(extraHosts) }),
    ...(network !== undefined && { networkmode: network }),
    ...(shmSize !== undefined && { shmsize: String(shmSize) }),
    ...(ulimit && { ulimits: JSON.stringify([ulimit]) }),
  });
  const { status, text } = await daemon.api('POST', `/build?${query}`, contextTar(wanted), {
    headers: { 'Content-Type': 'application/x-tar' },
  });
  if (status !== 200) return { id: '', error: (JSON.parse(text) as { message: string }).message, said: '' };
  const messages = text
    .split(/\r?\n/)
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { stream?: string; error?: string; aux?: { ID?: string } });
  return {
    id: messages.findLast(({ aux }) => aux?.ID)?.aux?.ID ?? '',
    error: messages.map(({ error = '' }) => error).join(''),
    said: stripVTControlCharacters(messages.map(({ stream = '' }) => stream).join('')),
  };
}

let contexts = 0;

async function buildByBuildx(daemon: Daemon, wanted: BuildCase): Promise<Built> {
  const directory = join(daemon.sandbox.directory, `case${++contexts}`);
  writeContext(directory, wanted);
  const { args = {}, labels = {}, extraHosts = [], ...rest } = wanted.options ?? {};
  const flags = [
    ...Object.entries(args).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]),
    ...Object.entries(labels).flatMap(([name, value]) => ['--label', `${name}=${value}`]),
    ...extraHosts.flatMap((host) => ['--add-host', host]),
    ...(rest.target === undefined ? [] : ['--target', rest.target]),
    ...(rest.dockerfile === undefined ? [] : ['--file', join(directory, rest.dockerfile)]),
    ...(rest.network === undefined ? [] : ['--network', rest.network]),
    ...(rest.shmSize === undefined ? [] : ['--shm-size', String(rest.shmSize)]),
    ...(rest.ulimit ? ['--ulimit', `${rest.ulimit.Name}=${rest.ulimit.Soft}:${rest.ulimit.Hard}`] : []),
  ];
  const env = { DOCKER_CONFIG: configWith(daemon), DOCKER_BUILDKIT: '1', BUILDKIT_PROGRESS: 'plain' };
  // Provenance would make an index of the image.
  const result = await daemon.docker(['build', '--provenance=false', '--quiet', ...flags, directory], { env });
  rmSync(directory, { recursive: true, force: true });
  return result.code === 0
    ? { id: result.stdout.trim(), error: '', said: '' }
    : { id: '', error: result.stderr, said: '' };
}

function configWith(daemon: Daemon): string {
  if (buildx === undefined) throw new Error('no docker-buildx is installed; BUILDX may name one');
  const directory = join(daemon.sandbox.directory, 'buildx-config');
  const plugin = join(directory, 'cli-plugins', 'docker-buildx');
  if (!existsSync(plugin)) {
    mkdirSync(join(directory, 'cli-plugins'), { recursive: true });
    symlinkSync(buildx, plugin);
  }
  return directory;
}
