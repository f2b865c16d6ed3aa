import { join } from 'node:path';
import type { Logger } from '@wharf/base/logger';
import type { RegistryService } from '@wharf/registry/server/registry-service';
import type { Settings } from './config/options.ts';

/** `--registry`: images are kept below the data root unless the registry's own configuration says otherwise. */
export async function serveRegistry(settings: Settings, logger: Logger): Promise<RegistryService | undefined> {
  if (settings.registry === '') return undefined;
  const [{ loadConfig }, { startRegistry }] = await Promise.all([
    import('@wharf/registry/server/config'),
    import('@wharf/registry/server/registry-service'),
  ]);
  const config = loadConfig({
    config: settings['registry-config'] || undefined,
    listen: [settings.registry],
    defaultRoot: join(settings['data-root'], 'registry'),
  });
  const service = await startRegistry(config, logger);
  for (const { address } of service.listeners) logger.info(`Registry listen on ${address}`);
  return service;
}
