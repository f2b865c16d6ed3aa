import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { invalidArgument, notFound } from '@wharf/base/error';

export interface User {
  readonly name: string;
  /** bcrypt's or argon2's own notation. */
  readonly hash: string;
  readonly groups: readonly string[];
}

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,127}$/;
const groupsPattern = /^[A-Za-z0-9._-]+(?:,[A-Za-z0-9._-]+)*$/;

/**
 * `name:hash` or `name:hash:group,group`, one a line: what `htpasswd -B` writes is understood. Read again when the
 * file changes, so that nobody has to restart anything.
 */
export class UsersFile {
  readonly #path: string;
  #users: ReadonlyMap<string, User> = new Map();
  #stamp = '';
  #checked = 0;

  constructor(path: string) {
    this.#path = path;
  }

  async find(name: string): Promise<User | undefined> {
    // A look at the file once a second is soon enough for people.
    if (Date.now() - this.#checked > 1000) await this.#refresh();
    return this.#users.get(name);
  }

  async list(): Promise<User[]> {
    await this.#refresh();
    return [...this.#users.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Adds a user, or gives one another password and groups. */
  async put(name: string, password: string, groups: readonly string[]): Promise<void> {
    if (!namePattern.test(name)) throw invalidArgument(`invalid user name: ${JSON.stringify(name)}`);
    if (groups.length > 0 && !groupsPattern.test(groups.join(','))) throw invalidArgument('invalid name of a group');
    if (password === '') throw invalidArgument('the password is empty');
    const hash = await Bun.password.hash(password, { algorithm: 'argon2id' });
    await this.#change((users) => users.set(name, { name, hash, groups }));
  }

  async remove(name: string): Promise<void> {
    await this.#change((users) => {
      if (!users.delete(name)) throw notFound(`no such user: ${name}`);
    });
  }

  async #change(change: (users: Map<string, User>) => void): Promise<void> {
    await this.#refresh();
    const users = new Map(this.#users);
    change(users);
    const lines = [...users.values()].map(({ name, hash, groups }) => [
      name,
      hash,
      ...(groups.length > 0 ? [groups] : []),
    ]);
    await writePrivateFile(this.#path, lines.map((fields) => `${fields.join(':')}\n`).join(''));
    this.#checked = 0;
  }

  async #refresh(): Promise<void> {
    const stamp = await stampOf(this.#path);
    this.#checked = Date.now();
    if (stamp === this.#stamp) return;
    this.#users = stamp === '' ? new Map() : parseUsers(await readFile(this.#path, 'utf8'));
    this.#stamp = stamp;
  }
}

function parseUsers(text: string): Map<string, User> {
  const users = new Map<string, User>();
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [name = '', hash = '', groups = ''] = line.trim().split(':');
    if (!namePattern.test(name) || !/^\$(2[aby]|argon2)/.test(hash)) {
      throw invalidArgument(`line ${index + 1} of the users file is not name:hash with bcrypt or argon2`);
    }
    // bcrypt's variants differ in name alone.
    users.set(name, { name, hash: hash.replace(/^\$2y\$/, '$2b$'), groups: groups === '' ? [] : groups.split(',') });
  }
  return users;
}

async function stampOf(path: string): Promise<string> {
  try {
    const { mtimeMs, size, ino } = await stat(path);
    return `${mtimeMs} ${size} ${ino}`;
  } catch {
    return '';
  }
}

/** Whole or not at all, and for its owner's eyes. */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}`;
  try {
    await writeFile(temporary, text, { mode: 0o600, flush: true });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
