import { loadConfig, milliseconds } from '@wharf/registry/server/config';
import { applyRetention } from '@wharf/registry/server/garbage/apply-retention';
import { collectGarbage } from '@wharf/registry/server/garbage/collect-garbage';
import { openRegistry } from '@wharf/registry/server/open-registry';
import { createPolicy, openStorage } from '@wharf/registry/server/registry-service';
import type { Values } from '../commands.ts';
import { overridesFrom, text } from '../overrides.ts';

/** Safe beside servers on the same store. */
export async function collect(values: Values): Promise<number> {
  const config = loadConfig(overridesFrom(values));
  const dryRun = values['dry-run'] === true;
  const storage = await openStorage(config);
  const given = text(values.grace);
  const policy = createPolicy(config);
  const registry = openRegistry(
    storage,
    given === undefined ? policy : { ...policy, grace: milliseconds('grace', given, '') },
  );
  const would = dryRun ? 'would remove' : 'removed';
  for (const { repository, tag, digest } of await applyRetention(registry, config.retention, { dryRun })) {
    process.stdout.write(`${would} ${tag === undefined ? `${repository}@${digest}` : `${repository}:${tag}`}\n`);
  }
  const collected = await collectGarbage(registry, { dryRun, uploadLifetime: config.uploadLifetime });
  process.stdout.write(
    `${would} ${collected.blobs} blobs, ${formatBytes(collected.bytes)}; ${collected.uploads} uploads\n`,
  );
  await storage.objects.close();
  return 0;
}

function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
  return `${Number(value.toPrecision(3))} ${units[unit]}`;
}
