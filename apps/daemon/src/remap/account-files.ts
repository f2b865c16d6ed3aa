import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Account {
  readonly name: string;
  readonly id: number;
}

/** Ids that a user may give to others. subuid(5) */
export interface SubordinateRange {
  readonly start: number;
  readonly size: number;
}

/** The host's users and groups, and the ids set aside for them: the files of `/etc`, read at each question. */
export class AccountFiles {
  readonly #directory: string;

  constructor(directory = '/etc') {
    this.#directory = directory;
  }

  user(nameOrId: string | number): Account | undefined {
    return this.#account('passwd', nameOrId);
  }

  group(nameOrId: string | number): Account | undefined {
    return this.#account('group', nameOrId);
  }

  /** In the order of the file; lines begin with the user's name or number. */
  subordinate(file: 'subuid' | 'subgid', { name, id }: Account): SubordinateRange[] {
    return this.#lines(file)
      .filter(([owner]) => owner === name || owner === String(id))
      .map(([, start, size]) => ({ start: Number(start), size: Number(size) }))
      .filter(({ start, size }) => Number.isSafeInteger(start) && size > 0);
  }

  /** The first id behind all that is set aside. */
  free(file: 'subuid' | 'subgid'): number {
    const ends = this.#lines(file).map(([, start, size]) => Number(start) + Number(size));
    return Math.max(firstSubordinateId, ...ends.filter((end) => Number.isSafeInteger(end)));
  }

  #account(file: 'passwd' | 'group', nameOrId: string | number): Account | undefined {
    const field = typeof nameOrId === 'string' ? 0 : 2;
    const line = this.#lines(file).find((fields) => fields[field] === String(nameOrId));
    return line && { name: line[0]!, id: Number(line[2]) };
  }

  #lines(file: string): string[][] {
    let text: string;
    try {
      text = readFileSync(join(this.#directory, file), 'utf8');
    } catch {
      return [];
    }
    return text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => line.split(':'));
  }
}

/** Where login.defs(5) of every distribution lets them begin. */
const firstSubordinateId = 100_000;
