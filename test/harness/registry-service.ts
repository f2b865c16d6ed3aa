import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@wharf/base/logger';
import { loadConfig } from '../../packages/registry/src/server/config.ts';
import { type ServiceConfig, startRegistry } from '../../packages/registry/src/server/registry-service.ts';

/** A whole registry in this process, with users, upstreams and what else its configuration has. */
export interface RunningRegistry extends AsyncDisposable {
  readonly base: string;
  readonly host: string;
  readonly directory: string;
}

export async function runRegistry(
  configure: (directory: string) => Partial<ServiceConfig> | Promise<Partial<ServiceConfig>> = () => ({}),
): Promise<RunningRegistry> {
  const directory = mkdtempSync(join(tmpdir(), 'wharf-registry-'));
  const config = loadConfig({ listen: ['127.0.0.1:0'], root: join(directory, 'root') });
  const service = await startRegistry({ ...config, ...(await configure(directory)) }, silentLogger);
  const base = service.listeners[0]!.address;
  return {
    base,
    host: base.replace(/^https?:\/\//, ''),
    directory,
    async [Symbol.asyncDispose]() {
      await service.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
