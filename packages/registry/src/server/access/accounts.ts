import { createHash } from 'node:crypto';
import type { RepositoryName } from '../names.ts';
import type { Action } from './access-control.ts';
import { parseRepositoryPattern } from './repository-pattern.ts';
import { isRobotSecret, type RobotToken, type RobotTokens } from './robot-tokens.ts';
import type { Rules } from './rules.ts';
import type { User, UsersFile } from './users-file.ts';

/** Somebody known, or nobody in particular. */
export interface Account {
  readonly name: string | undefined;
  /** What finds the account again: `user:x`, `robot:id`, or undefined. */
  readonly key: string | undefined;
  /** Changes with the password: what was issued before is void then. */
  readonly stamp: string;
  may(repository: RepositoryName, action: Action): boolean;
}

const cacheMilliseconds = 5 * 60_000;
/** Of a password that nobody has, so that an unknown name takes as long as a known one. */
const decoy = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$RdescudvJCsgt3ub+b27hTS7hSf9gvgnF8U1V1LSa7M';

export class Accounts {
  readonly #users: UsersFile;
  readonly #robots: RobotTokens;
  readonly #rules: Rules;
  /** Passwords that were right lately, as a hash: an argon2 for each request would be the registry's whole work. */
  readonly #verified = new Map<string, { hash: string; until: number }>();
  #verifying: Promise<unknown> = Promise.resolve();

  constructor(users: UsersFile, robots: RobotTokens, rules: Rules) {
    this.#users = users;
    this.#robots = robots;
    this.#rules = rules;
  }

  get anonymous(): Account {
    const person = { name: undefined, groups: [] };
    const may = (repository: RepositoryName, action: Action) => this.#rules.allow(person, repository, action);
    return { name: undefined, key: undefined, stamp: '', may };
  }

  /** Undefined for a wrong password or an unknown name, which are not told apart. */
  async logIn(name: string, password: string): Promise<Account | undefined> {
    if (isRobotSecret(password)) {
      const token = await this.#robots.verify(name, password);
      return token && robotAccount(token);
    }
    const user = await this.#users.find(name);
    const isRight = await this.#verify(name, password, user?.hash ?? decoy);
    return user && isRight ? this.#userAccount(user) : undefined;
  }

  /** The account as it is now; undefined when it is gone. */
  async find(key: string): Promise<Account | undefined> {
    const [kind, id = ''] = key.split(/:(.*)/s);
    if (kind === 'robot') {
      const token = await this.#robots.find(id);
      return token && robotAccount(token);
    }
    const user = await this.#users.find(id);
    return user && this.#userAccount(user);
  }

  #userAccount(user: User): Account {
    return {
      name: user.name,
      key: `user:${user.name}`,
      stamp: stampOf(user.hash),
      may: (repository, action) => this.#rules.allow(user, repository, action),
    };
  }

  async #verify(name: string, password: string, hash: string): Promise<boolean> {
    const key = createHash('sha256').update(`${name}\0${password}`).digest('hex');
    const known = this.#verified.get(key);
    if (known?.hash === hash && known.until > Date.now()) return true;
    // One at a time: each takes 64 MB and a processor.
    const verified = this.#verifying.then(() => Bun.password.verify(password, hash));
    this.#verifying = verified.catch(() => {});
    const isRight = await verified.catch(() => false);
    if (isRight) this.#verified.set(key, { hash, until: Date.now() + cacheMilliseconds });
    if (this.#verified.size > 1000) this.#verified.delete(this.#verified.keys().next().value!);
    return isRight;
  }
}

function robotAccount(token: RobotToken): Account {
  const scopes = token.scopes.map(({ repositories, actions }) => ({
    matches: parseRepositoryPattern(repositories),
    actions,
  }));
  return {
    name: token.name,
    key: `robot:${token.id}`,
    stamp: stampOf(token.hash),
    may: (repository, action) => scopes.some(({ matches, actions }) => actions.includes(action) && matches(repository)),
  };
}

function stampOf(hash: string): string {
  return createHash('sha256').update(hash).digest('hex').slice(0, 16);
}
