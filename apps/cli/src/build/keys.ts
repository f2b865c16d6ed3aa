import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Environment } from '../config.ts';
import { ExitError } from '../exit-error.ts';
import { cut } from '../flags/parse.ts';
import { UsageError } from '../flags/usage-error.ts';
import { parseFields } from './fields.ts';

/** BuildKit's limit. */
const mostBytes = 500 << 10;

type Lookup = (name: string) => string | undefined;
type ReadSecret = () => Uint8Array;

/** The readers of `--secret id=...[,src=...|,env=...]`, by id. Throws for a file that is not there. */
export function planSecrets(texts: readonly string[], lookup: Lookup): Map<string, ReadSecret> {
  return new Map(texts.map((text) => planSecret(text, lookup)));
}

function planSecret(text: string, lookup: Lookup): [id: string, read: ReadSecret] {
  const fields = parseFields(text);
  for (const name of fields.keys()) {
    if (!['type', 'id', 'source', 'src', 'env'].includes(name)) {
      throw new UsageError(`unexpected key '${name}' in '${name}=${fields.get(name)}'`);
    }
  }
  const type = fields.get('type') ?? '';
  if (!['', 'file', 'env'].includes(type)) throw new UsageError(`unsupported secret type ${JSON.stringify(type)}`);
  const source = fields.get('src') ?? fields.get('source');
  const id = fields.get('id');
  if (id === undefined) throw new UsageError(`secret ${JSON.stringify(text)} needs an id`);
  const named = fields.get('env') ?? (type === 'env' ? (source ?? id) : undefined);
  const variable = named ?? (source === undefined && type === '' && lookup(id) !== undefined ? id : undefined);
  if (variable !== undefined) return [id, () => Buffer.from(lookup(variable) ?? '')];
  const path = source ?? id;
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) throw new ExitError(1, `ERROR: failed to stat ${path}: stat ${path}: no such file or directory`);
  if (stat.size > mostBytes) throw new ExitError(1, `ERROR: secret ${id} too big. max size 500KB`);
  return [id, () => readFileSync(path)];
}

/** Agents to forward, by id; those that were started for keys end with it. */
export interface ForwardedAgents extends AsyncDisposable {
  readonly sockets: ReadonlyMap<string, string>;
}

/** Of `--ssh default|ID[=SOCKET|KEY[,KEY]]`. Keys are given to an agent of their own. */
export async function openAgents(texts: readonly string[], environment: Environment): Promise<ForwardedAgents> {
  await using held = new AsyncDisposableStack();
  const sockets = new Map<string, string>();
  for (const text of texts) {
    const [id, list] = cut(text, '=');
    const paths = list === undefined || list === '' ? [] : list.split(',');
    const own = environment.lookup('SSH_AUTH_SOCK');
    if (paths.length === 0 && !own) {
      throw new ExitError(1, 'ERROR: invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set');
    }
    const missing = paths.find((path) => !existsSync(path));
    if (missing !== undefined) throw new ExitError(1, `ERROR: open ${missing}: no such file or directory`);
    const isSocket = (path: string) => statSync(path).isSocket();
    if (paths.length > 1 && paths.some(isSocket)) {
      throw new ExitError(1, 'ERROR: only single socket allowed: an id has one socket, or keys');
    }
    const [first] = paths;
    if (first === undefined) sockets.set(id, own ?? '');
    else if (isSocket(first)) sockets.set(id, first);
    else sockets.set(id, await startAgent(paths, environment, held));
  }
  const moved = held.move();
  return { sockets, [Symbol.asyncDispose]: () => moved.disposeAsync() };
}

async function startAgent(
  keys: readonly string[],
  environment: Environment,
  held: AsyncDisposableStack,
): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'wharf-agent-'));
  held.defer(() => rmSync(directory, { recursive: true, force: true }));
  const socket = join(directory, 'agent');
  const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'ignore'] });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  agent.once('error', ({ message }) => reject(new ExitError(1, `ERROR: keys need ssh-agent: ${message}`)));
  // It says where it listens once it does.
  agent.stdout.once('data', () => resolve());
  agent.once('exit', () => reject(new ExitError(1, 'ERROR: ssh-agent ended early')));
  await promise;
  held.defer(() => void agent.kill());
  const env = Object.fromEntries(environment.names().map((name) => [name, environment.lookup(name)]));
  for (const key of keys) await addKey(key, { ...env, SSH_AUTH_SOCK: socket });
  return socket;
}

async function addKey(key: string, env: Record<string, string | undefined>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const adding = spawn('ssh-add', ['-q', key], { env, stdio: ['inherit', 'ignore', 'inherit'] });
  adding.once('error', () => resolve(1));
  adding.once('exit', (code) => resolve(code ?? 1));
  if ((await promise) !== 0) throw new ExitError(1, `ERROR: failed to parse ${key}: it is no private key for ssh-add`);
}
