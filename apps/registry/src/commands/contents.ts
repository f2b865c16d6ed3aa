import { invalidArgument, notFound } from '@wharf/base/error';
import { loadConfig } from '@wharf/registry/server/config';
import { parseContentDigest } from '@wharf/registry/server/content-digest';
import { isTag, parseRepositoryName } from '@wharf/registry/server/names';
import { openRegistry } from '@wharf/registry/server/open-registry';
import type { RegistryDeps } from '@wharf/registry/server/registry-deps';
import { createPolicy, openStorage } from '@wharf/registry/server/registry-service';
import { deleteManifest, deleteTag } from '@wharf/registry/server/repository/delete-manifest';
import { hasRepository, listRepositories } from '@wharf/registry/server/repository/list-repositories';
import type { Values } from '../commands.ts';
import { overridesFrom } from '../overrides.ts';
import { formatTable } from '../table.ts';

export async function list(values: Values, [name, ...more]: readonly string[]): Promise<number> {
  if (more.length > 0) throw invalidArgument('one repository at a time');
  const registry = await open(values);
  if (name === undefined) {
    const rows = await Promise.all(
      (await listRepositories(registry)).map(async (repository) => [
        repository,
        String((await registry.tags.list(repository)).length),
      ]),
    );
    process.stdout.write(formatTable(['REPOSITORY', 'TAGS'], rows));
    return 0;
  }
  const repository = parseRepositoryName(name);
  if (!(await hasRepository(registry, repository))) throw notFound(`no such repository: ${repository}`);
  const tags = [...(await registry.tags.readAll(repository))];
  const rows = tags.map(([tag, { digest, pushed }]) => [tag, digest, new Date(pushed).toISOString().slice(0, 19)]);
  process.stdout.write(formatTable(['TAG', 'DIGEST', 'PUSHED'], rows));
  return 0;
}

export async function remove(values: Values, names: readonly string[]): Promise<number> {
  if (names.length === 0) throw invalidArgument('name what to remove: REPOSITORY[:TAG|@DIGEST]');
  const registry = await open(values);
  for (const name of names) await removeOne(registry, name);
  return 0;
}

async function removeOne(registry: RegistryDeps, name: string): Promise<void> {
  const [, path = '', separator, reference = ''] = /^([^:@]+)(?:([:@])(.+))?$/s.exec(name) ?? [];
  const repository = parseRepositoryName(path);
  if (separator === ':') {
    if (!isTag(reference)) throw invalidArgument(`invalid tag: ${reference}`);
    await deleteTag(registry, repository, reference);
  } else if (separator === '@') {
    if (!(await deleteManifest(registry, repository, parseContentDigest(reference))))
      throw notFound(`no such manifest: ${name}`);
  } else {
    if (!(await hasRepository(registry, repository))) throw notFound(`no such repository: ${name}`);
    for await (const { digest } of registry.manifests.list(repository))
      await deleteManifest(registry, repository, digest);
  }
  process.stdout.write(`removed ${name}\n`);
}

async function open(values: Values): Promise<RegistryDeps> {
  const config = loadConfig(overridesFrom(values));
  return openRegistry(await openStorage(config), createPolicy(config));
}
