import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JsonMessage } from '@wharf/api/streams/json-message';
import type { FaultPoint } from '@wharf/base/fault-point';
import { silentLogger } from '@wharf/base/logger';
import { parseReference } from '@wharf/oci/reference';
import { openContentImageStore } from '@wharf/store/images/content-image-store';
import { openDatabase } from '@wharf/store/metadata/database';
import { noCredentials } from '../client/credentials.ts';
import type { RegistryConfig } from '../client/hosts.ts';
import { RegistryClient } from '../client/registry-client.ts';
import type { PullOptions } from './image-puller.ts';
import type { TransferLimits } from './transfer-deps.ts';
import { createTransfers, type Transfers } from './transfers.ts';

export interface FixtureOptions {
  readonly registries?: Partial<RegistryConfig>;
  readonly limits?: Partial<TransferLimits>;
  readonly fault?: FaultPoint;
  readonly answerTimeout?: number;
}

/** For tests: a store in a directory of its own, and what moves images to and from it. */
export class TransferFixture {
  readonly dataRoot = mkdtempSync(join(tmpdir(), 'wharf-transfer-'));
  readonly #options: FixtureOptions;
  database = openDatabase(join(this.dataRoot, 'meta.db'));
  store = openContentImageStore({ database: this.database, dataRoot: this.dataRoot });
  transfers: Transfers;

  constructor(options: FixtureOptions = {}) {
    this.#options = options;
    this.transfers = this.#transfers();
  }

  #transfers(): Transfers {
    const { registries, limits, fault = () => {}, answerTimeout = 2000 } = this.#options;
    const client = new RegistryClient({
      userAgent: 'test',
      proxies: { http: '', https: '', no: '' },
      config: () => ({ mirrors: [], insecure: [], prefixMirrors: {}, ...registries }),
      directories: () => ({ tls: {}, hosts: [] }),
      answerTimeout,
    });
    return createTransfers({
      parts: this.store.parts,
      client,
      fault,
      logger: silentLogger,
      limits: () => ({ downloads: 3, uploads: 3, attempts: 4, ...limits }),
    });
  }

  /** Pulls and gives what was said: `layer: Status`, without mere progress. */
  async pull(reference: string, options: Partial<PullOptions> = {}): Promise<string[]> {
    const messages: JsonMessage[] = [];
    await this.transfers.puller.pull(parseReference(reference), {
      credentials: noCredentials,
      signal: new AbortController().signal,
      progress: (message) => messages.push(message),
      ...options,
    });
    return messages.filter(({ progressDetail }) => !progressDetail?.total).map(shown);
  }

  async reopen(): Promise<void> {
    await this.#close();
    this.database = openDatabase(join(this.dataRoot, 'meta.db'));
    this.store = openContentImageStore({ database: this.database, dataRoot: this.dataRoot });
    this.transfers = this.#transfers();
  }

  /** What is visible or half done of blobs and layers. */
  async left(): Promise<string[]> {
    await this.store.settled();
    const places = ['content/blobs/sha256', 'content/ingest', 'layers', 'layers/ingest', 'layer-tars'];
    return places.flatMap((place) =>
      readdirSync(join(this.dataRoot, place))
        .filter((name) => name !== 'ingest' && name !== 'trash')
        .map((name) => `${place}/${name}`),
    );
  }

  async #close(): Promise<void> {
    await this.store.close();
    await this.store.settled();
    this.database.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
    rmSync(this.dataRoot, { recursive: true, force: true });
  }
}

function shown({ id, status }: JsonMessage): string {
  return id === undefined ? (status ?? '') : `${id}: ${status}`;
}
