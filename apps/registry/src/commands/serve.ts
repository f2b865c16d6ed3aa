import { createLogger } from '@wharf/base/logger';
import { loadConfig } from '@wharf/registry/server/config';
import { startRegistry } from '@wharf/registry/server/registry-service';
import type { Values } from '../commands.ts';
import { overridesFrom } from '../overrides.ts';

/** Serves until SIGTERM or SIGINT; a second one does not wait for what is under way. */
export async function serve(values: Values): Promise<number> {
  const config = loadConfig(overridesFrom(values));
  const logger = createLogger({
    level: () => 'info',
    format: 'text',
    write: (line) => void process.stderr.write(line),
  });
  process.on('uncaughtException', (error) => logger.error('A defect was met', { error: error.stack ?? error.message }));
  process.on('unhandledRejection', (error) => logger.error('A defect was met', { error: String(error) }));
  const service = await startRegistry(config, logger);
  const [first] = service.listeners;
  for (const { address } of service.listeners) process.stderr.write(`Registry listens on ${address}\n`);
  const host = first!.address.replace(/^https?:\/\//, '').replace(/^0\.0\.0\.0|^127\.0\.0\.1/, 'localhost');
  process.stderr.write(`Images are kept in ${config.s3 ? `the bucket ${config.s3.bucket}` : config.root}\n`);
  process.stderr.write(`Push with: docker tag IMAGE ${host}/IMAGE && docker push ${host}/IMAGE\n`);
  await new Promise<void>((resolve) => {
    let signals = 0;
    const stop = () => {
      if (++signals > 1) process.exit(130);
      resolve();
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
  });
  await service.close();
  return 0;
}
