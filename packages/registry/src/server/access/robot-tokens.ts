import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { invalidArgument, notFound } from '@wharf/base/error';
import type { Action } from './access-control.ts';
import { writePrivateFile } from './users-file.ts';

/** A password for a machine: it may do so much, until then. */
export interface RobotToken {
  readonly id: string;
  readonly name: string;
  /** SHA-256 of the secret, which has 256 random bits: nothing slower is needed. */
  readonly hash: string;
  readonly scopes: readonly { readonly repositories: string; readonly actions: readonly Action[] }[];
  readonly created: number;
  /** Milliseconds since 1970; undefined never ends. */
  readonly expires?: number;
}

const prefix = 'wrt_';

export function isRobotSecret(password: string): boolean {
  return password.startsWith(prefix);
}

/** One JSON object a line. Read again when the file changes. */
export class RobotTokens {
  readonly #path: string;
  #tokens: ReadonlyMap<string, RobotToken> = new Map();
  #modified = 0;
  #checked = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** The token that this is the secret of, while it lasts. */
  async verify(name: string, secret: string): Promise<RobotToken | undefined> {
    const token = await this.find(secret.slice(prefix.length).split('_')[0]!);
    if (!token || token.name !== name) return undefined;
    const [given, wanted] = [Buffer.from(hashOf(secret), 'hex'), Buffer.from(token.hash, 'hex')];
    return given.length === wanted.length && timingSafeEqual(given, wanted) ? token : undefined;
  }

  /** By its id; undefined for one that has expired. */
  async find(id: string): Promise<RobotToken | undefined> {
    if (Date.now() - this.#checked > 1000) await this.#refresh();
    const token = this.#tokens.get(id);
    return token?.expires !== undefined && token.expires < Date.now() ? undefined : token;
  }

  async list(): Promise<RobotToken[]> {
    await this.#refresh();
    return [...this.#tokens.values()];
  }

  /** Answers the secret, which is told this once. */
  async create(token: Omit<RobotToken, 'id' | 'hash' | 'created'>): Promise<{ id: string; secret: string }> {
    if (!/^[A-Za-z0-9][A-Za-z0-9._@-]{0,127}$/.test(token.name)) throw invalidArgument('invalid name of a token');
    const id = randomBytes(6).toString('hex');
    const secret = `${prefix}${id}_${randomBytes(32).toString('base64url')}`;
    await this.#refresh();
    await this.#save([...this.#tokens.values(), { ...token, id, hash: hashOf(secret), created: Date.now() }]);
    return { id, secret };
  }

  /** By id, or all of a name. */
  async remove(idOrName: string): Promise<void> {
    await this.#refresh();
    const kept = [...this.#tokens.values()].filter(({ id, name }) => id !== idOrName && name !== idOrName);
    if (kept.length === this.#tokens.size) throw notFound(`no such token: ${idOrName}`);
    await this.#save(kept);
  }

  async #save(tokens: readonly RobotToken[]): Promise<void> {
    await writePrivateFile(this.#path, tokens.map((token) => `${JSON.stringify(token)}\n`).join(''));
    this.#checked = 0;
  }

  async #refresh(): Promise<void> {
    this.#checked = Date.now();
    const modified = await stat(this.#path).then(
      ({ mtimeMs }) => mtimeMs,
      () => 0,
    );
    if (modified === this.#modified) return;
    const lines = modified === 0 ? [] : (await readFile(this.#path, 'utf8')).split('\n').filter((line) => line !== '');
    this.#tokens = new Map(lines.map((line) => JSON.parse(line) as RobotToken).map((token) => [token.id, token]));
    this.#modified = modified;
  }
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
