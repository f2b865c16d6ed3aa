import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Daemon } from './daemon.ts';
import { isAtLeast } from './target.ts';

// Not every distribution packages it: what it would show is skipped there, and said so.
const plugin = [
  process.env.BUILDX ?? '',
  '/usr/libexec/docker/cli-plugins/docker-buildx',
  '/usr/lib/docker/cli-plugins/docker-buildx',
  '/usr/local/lib/docker/cli-plugins/docker-buildx',
].find((path) => path !== '' && existsSync(path));

/** For each case that needs it: a file without a single case counts as failed. */
export const withBuildx = { skip: plugin === undefined && 'buildx is not installed' };

/** For a case that earlier releases of buildx refuse by themselves. */
export function buildxSince(version: string): { skip: string | false } {
  if (plugin === undefined) return { skip: 'buildx is not installed' };
  const found = / v?(\d+\.\d+)/.exec(execFileSync(plugin, ['version'], { encoding: 'utf8' }))![1]!;
  return { skip: !isAtLeast(found, version) && `this is buildx ${found}, not yet ${version}` };
}

/** Runs the stock client with buildx: `build ...` or `buildx ...`. */
export async function buildx(daemon: Daemon, command: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const directory = join(daemon.sandbox.directory, 'buildx-config');
  const link = join(directory, 'cli-plugins', 'docker-buildx');
  if (!existsSync(link)) {
    mkdirSync(join(directory, 'cli-plugins'), { recursive: true });
    symlinkSync(plugin ?? '', link);
  }
  const own = { DOCKER_CONFIG: directory, DOCKER_BUILDKIT: '1', BUILDKIT_PROGRESS: 'plain' };
  return daemon.docker([...command], { env: { ...own, ...env } });
}
