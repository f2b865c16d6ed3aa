import { isErrorCode } from '@wharf/base/error';
import { parseImageConfig, parseIndex, parseManifest } from '@wharf/oci/manifest';
import { isImageConfigType, isIndexType } from '@wharf/oci/media-type';
import type { Platform } from '@wharf/oci/platform';
import { formatFamiliar, parseReference, type Reference, withDefaultTag } from '@wharf/oci/reference';
import { credentialsFrom } from '@wharf/registry/client/credentials';
import { hostDirectories } from '@wharf/registry/client/host-directories';
import type { FetchedManifest } from '@wharf/registry/client/manifest-response';
import { RegistryClient } from '@wharf/registry/client/registry-client';
import type { Repository } from '@wharf/registry/client/repository';
import { type Cli, clientVersion } from '../cli.ts';
import { readCredentials, registryKey } from '../credentials/credential-store.ts';
import { ExitError } from '../exit-error.ts';
import { createEntry, type ManifestEntry } from './manifest-entry.ts';

/** A name as docker writes it, with its tag. */
export function fullReference(text: string): Reference {
  return withDefaultTag(parseReference(text));
}

/** As `fullReference`, with Docker's error where a command names what it reads. */
export function namedReference(text: string, what: string, prefix = ''): Reference {
  try {
    return fullReference(text);
  } catch (error) {
    throw new ExitError(
      1,
      `${prefix}error parsing name for ${what} ${text}: ${error instanceof Error ? error.message : error}`,
    );
  }
}

/** Manifests are between client and registry: the daemon has no part in them. */
export class ManifestClient {
  readonly #cli: Cli;
  readonly #insecure: boolean;
  readonly #signal = new AbortController().signal;

  constructor(cli: Cli, { insecure }: { insecure: boolean }) {
    this.#cli = cli;
    this.#insecure = insecure;
  }

  async repository(reference: Reference): Promise<Repository> {
    const { lookup } = this.#cli.environment;
    const proxy = (name: string) => lookup(name) ?? lookup(name.toUpperCase()) ?? '';
    const client = new RegistryClient({
      userAgent: `Docker-Client/${clientVersion} (linux; wharf)`,
      proxies: { http: proxy('http_proxy'), https: proxy('https_proxy'), no: proxy('no_proxy') },
      config: () => ({ mirrors: [], insecure: this.#insecure ? [reference.domain] : [], prefixMirrors: {} }),
      directories: hostDirectories(['/etc/wharf/certs.d', '/etc/docker/certs.d']),
    });
    const stored = await readCredentials(this.#cli, registryKey(reference.domain));
    const credentials = credentialsFrom({
      username: stored?.username,
      password: stored?.password,
      identitytoken: stored?.identityToken,
    });
    return client.repository(reference, credentials);
  }

  /** Undefined where the registry has no such manifest, or lets nobody see it. */
  async find(reference: Reference): Promise<FetchedManifest | undefined> {
    const repository = await this.repository(reference);
    try {
      return await repository.manifest(reference.digest ?? reference.tag ?? 'latest', this.#signal);
    } catch (error) {
      if (isErrorCode(error, 'not_found')) return undefined;
      throw error;
    }
  }

  /** The images of a name: one, or those of a list. */
  async entries(reference: Reference): Promise<ManifestEntry[]> {
    const found = await this.find(reference);
    if (!found) throw new ExitError(1, `no such manifest: ${formatFamiliar(reference)}`);
    const name = formatFamiliar(reference);
    if (!isIndexType(found.descriptor.mediaType)) return [await this.#entry(reference, name, found)];
    const repository = await this.repository(reference);
    return Promise.all(
      parseIndex(found.bytes).manifests.map(async ({ digest, platform }) =>
        this.#entry(reference, `${name}@${digest}`, await repository.manifest(digest, this.#signal), platform),
      ),
    );
  }

  async #entry(
    reference: Reference,
    name: string,
    { descriptor, bytes }: FetchedManifest,
    platform?: Platform,
  ): Promise<ManifestEntry> {
    const known = platform ?? (await this.#platform(reference, bytes));
    return createEntry(name, descriptor, bytes, known);
  }

  async #platform(reference: Reference, bytes: Buffer): Promise<Platform> {
    const { config } = parseManifest(bytes);
    if (!isImageConfigType(config.mediaType)) return { architecture: '', os: '' };
    const repository = await this.repository(reference);
    const { response } = await repository.blob(config.digest, { offset: 0, signal: this.#signal });
    const { architecture, os, variant } = parseImageConfig(Buffer.from(await response.arrayBuffer()));
    return { architecture, os, ...(variant && { variant }) };
  }
}
