import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { ProcessExit } from './supervisor.ts';

/** Exits on disk: each is there before anyone is told, and survives the supervisor. */
export class ExitRecords {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  }

  /** No fsync: the exec-root dies with the host, and so do its containers. */
  write(exit: ProcessExit): void {
    const file = this.#file(exit.id, exit.execId);
    writeFileSync(`${file}.tmp`, JSON.stringify(exit), { mode: 0o600 });
    renameSync(`${file}.tmp`, file);
  }

  remove(id: string, execId: string | undefined): void {
    rmSync(this.#file(id, execId), { force: true });
  }

  readAll(): ProcessExit[] {
    const names = readdirSync(this.#directory).filter((name) => !name.endsWith('.tmp'));
    return names.map((name) => JSON.parse(readFileSync(`${this.#directory}/${name}`, 'utf8')) as ProcessExit);
  }

  #file(id: string, execId: string | undefined): string {
    return execId === undefined ? `${this.#directory}/${id}` : `${this.#directory}/${id}.${execId}`;
  }
}
