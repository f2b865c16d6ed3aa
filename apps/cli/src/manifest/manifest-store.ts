import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ManifestEntry } from './manifest-entry.ts';

/** Manifest lists that are being put together: `manifests/<list>/<image>` in docker's configuration directory. */
export class ManifestStore {
  readonly #root: string;

  constructor(configDirectory: string) {
    this.#root = join(configDirectory, 'manifests');
  }

  has(list: string): boolean {
    return existsSync(this.#directory(list));
  }

  /** By the names of the files. */
  entries(list: string): ManifestEntry[] {
    const directory = this.#directory(list);
    return readdirSync(directory)
      .sort()
      .map((name) => JSON.parse(readFileSync(join(directory, name), 'utf8')) as ManifestEntry);
  }

  get(list: string, image: string): ManifestEntry | undefined {
    const path = join(this.#directory(list), fileName(image));
    return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as ManifestEntry) : undefined;
  }

  put(list: string, image: string, entry: ManifestEntry): void {
    mkdirSync(this.#directory(list), { recursive: true, mode: 0o755 });
    writeFileSync(join(this.#directory(list), fileName(image)), JSON.stringify(entry));
  }

  remove(list: string): void {
    rmSync(this.#directory(list), { recursive: true, force: true });
  }

  #directory(list: string): string {
    return join(this.#root, fileName(list));
  }
}

function fileName(reference: string): string {
  return reference.replaceAll(':', '-').replaceAll('/', '_');
}
