import type { ContainerCreateResponse } from '@wharf/api/container';
import { isErrorCode } from '@wharf/base/error';
import { formatFamiliar, parseReference, withDefaultTag } from '@wharf/oci/reference';
import type { Cli } from '../../cli.ts';
import type { Values } from '../../flags/flag.ts';
import { UsageError } from '../../flags/usage-error.ts';
import { requireVersion } from '../../require-version.ts';
import { pullImage } from '../image/pull-image.ts';
import type { createFlags } from './container-flags.ts';
import type { CreateBody } from './create-request.ts';

export type CreateValues = Values<typeof createFlags>;

export function checkPullPolicy(policy: string): void {
  if (['always', 'missing', 'never', ''].includes(policy)) return;
  throw new UsageError(`invalid pull option: '${policy}': must be one of "always", "missing" or "never"`);
}

/** Creates the container, pulling its image where the policy says so. Resolves with the id, written to --cidfile. */
export async function createContainer(cli: Cli, body: CreateBody, flags: CreateValues): Promise<string> {
  const { HostConfig } = body;
  warn(cli, HostConfig);
  const file = HostConfig.ContainerIDFile;
  if (file !== '') await refuseExisting(file);
  await checkVersions(cli, body);
  const client = await cli.client();
  const platform = flags.platform || cli.environment.defaultPlatform || '';
  const create = () =>
    client.json<ContainerCreateResponse>('POST', '/containers/create', {
      query: { name: flags.name || undefined, platform: platform || undefined },
      body,
    });
  // A whole id is no name, and is looked up as it is.
  const reference = /^[a-f0-9]{64}$/.test(body.Image) ? undefined : parseReference(body.Image);
  const pull = () => pullImage(cli, body.Image, { platform, quiet: flags.quiet, output: cli.err });
  if (flags.pull === 'always') await pull();
  let created: ContainerCreateResponse;
  try {
    created = await create();
  } catch (error) {
    if (!isErrorCode(error, 'not_found') || !reference || (flags.pull || 'missing') !== 'missing') throw error;
    if (!flags.quiet) cli.err.print(`Unable to find image '${formatFamiliar(withDefaultTag(reference))}' locally\n`);
    await pull();
    created = await create();
  }
  for (const warning of created.Warnings ?? []) cli.err.print(`WARNING: ${warning}\n`);
  if (file !== '') await Bun.write(file, created.Id);
  return created.Id;
}

// Parts of values that older daemons would leave out without a word; whole flags say so themselves.
async function checkVersions(cli: Cli, { HostConfig, NetworkingConfig }: CreateBody): Promise<void> {
  const endpoints = Object.values(NetworkingConfig.EndpointsConfig);
  if (endpoints.some(({ MacAddress }) => MacAddress)) await requireVersion(cli, 'specify mac-address per network', 44);
  if (endpoints.some(({ GwPriority }) => GwPriority)) await requireVersion(cli, 'gw-priority', 48);
  for (const { BindOptions, VolumeOptions } of HostConfig.Mounts ?? []) {
    if (BindOptions?.CreateMountpoint) await requireVersion(cli, 'bind-create-src', 42);
    const recursion = BindOptions?.ReadOnlyNonRecursive || BindOptions?.ReadOnlyForceRecursive;
    if (recursion) await requireVersion(cli, 'bind-recursive', 44);
    if (VolumeOptions?.Subpath) await requireVersion(cli, 'volume-subpath', 45);
  }
}

function warn({ err }: Cli, host: CreateBody['HostConfig']): void {
  if (host.OomKillDisable === true && !host.Memory) {
    err.print(
      "WARNING: Disabling the OOM killer on containers without setting a '-m/--memory' limit may be dangerous.\n",
    );
  }
  const local = host.Dns?.find((server) => /^127\.|^::1$/.test(server));
  if (local !== undefined) err.print(`WARNING: Localhost DNS setting (--dns=${local}) may fail in containers.\n`);
}

async function refuseExisting(file: string): Promise<void> {
  if (await Bun.file(file).exists()) {
    throw new UsageError(`container ID file found, make sure the other container isn't running or delete ${file}`);
  }
}
