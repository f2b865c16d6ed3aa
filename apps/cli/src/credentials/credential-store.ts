import type { Cli } from '../cli.ts';
import { changeConfig } from '../context/config-file.ts';
import { eraseFromHelper, getFromHelper, storeInHelper, tokenUser } from './credential-helper.ts';

export interface StoredCredentials {
  readonly username: string;
  readonly password: string;
  /** In place of a password, where the registry gave one. */
  readonly identityToken: string;
}

const hubKey = 'https://index.docker.io/v1/';

/** How docker's configuration names a registry. */
export function registryKey(domain: string): string {
  return domain === 'docker.io' ? hubKey : domain;
}

/** The registry of `login` and `logout`, as docker reads it: Docker Hub without one. */
export function serverKey(server: string | undefined): string {
  if (server === undefined || server === '') return hubKey;
  const host = server.replace(/^https?:\/\//, '').split('/')[0] ?? '';
  return ['docker.io', 'index.docker.io', 'registry-1.docker.io'].includes(host) ? hubKey : host;
}

async function helperFor(cli: Cli, key: string): Promise<string | undefined> {
  const { credHelpers, credsStore } = await cli.config();
  return credHelpers?.[key] || credsStore || undefined;
}

export async function readCredentials(cli: Cli, key: string): Promise<StoredCredentials | undefined> {
  const helper = await helperFor(cli, key);
  if (helper !== undefined) {
    const entry = await getFromHelper(helper, key);
    if (!entry || (entry.Username === '' && entry.Secret === '')) return undefined;
    if (entry.Username === tokenUser) return { username: '', password: '', identityToken: entry.Secret };
    return { username: entry.Username, password: entry.Secret, identityToken: '' };
  }
  const auths = (await cli.config()).auths ?? {};
  const stored = auths[key] ?? auths[`https://${key}`] ?? auths[`http://${key}`];
  if (!stored?.auth && !stored?.identitytoken) return undefined;
  const [username, password] = splitCredentials(stored.auth ?? '');
  return { username, password, identityToken: stored.identitytoken ?? '' };
}

function splitCredentials(auth: string): [string, string] {
  const text = Buffer.from(auth, 'base64').toString();
  const colon = text.indexOf(':');
  return colon < 0 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)];
}

/** The header X-Registry-Auth for a registry: base64url JSON. */
export async function registryAuth(cli: Cli, domain: string): Promise<string | undefined> {
  const auth = await authOf(cli, registryKey(domain));
  return auth && Buffer.from(JSON.stringify(auth)).toString('base64url');
}

/** The header X-Registry-Config: those of every registry that the configuration names. */
export async function registryConfig(cli: Cli): Promise<string> {
  const { auths, credHelpers } = await cli.config();
  const known: Record<string, object> = {};
  for (const key of new Set([...Object.keys(auths ?? {}), ...Object.keys(credHelpers ?? {})])) {
    const auth = await authOf(cli, key);
    if (auth) known[key] = auth;
  }
  return Buffer.from(JSON.stringify(known)).toString('base64url');
}

async function authOf(cli: Cli, key: string): Promise<object | undefined> {
  const stored = await readCredentials(cli, key);
  if (!stored) return undefined;
  const { username, password, identityToken } = stored;
  const fields = identityToken === '' ? { username, password } : { identitytoken: identityToken };
  return { ...fields, serveraddress: key };
}

/** Resolves with whether they are in plain text in the file now. */
export async function storeCredentials(cli: Cli, key: string, credentials: StoredCredentials): Promise<boolean> {
  const { username, password, identityToken } = credentials;
  const helper = await helperFor(cli, key);
  if (helper !== undefined) {
    const entry = identityToken === '' ? [username, password] : [tokenUser, identityToken];
    await storeInHelper(helper, { ServerURL: key, Username: entry[0]!, Secret: entry[1]! });
    await changeConfig(cli.configDirectory, (config) => ({ ...config, auths: { ...config.auths, [key]: {} } }));
    return false;
  }
  const auth = Buffer.from(`${username}:${password}`).toString('base64');
  const entry = identityToken === '' ? { auth } : { auth, identitytoken: identityToken };
  await changeConfig(cli.configDirectory, (config) => ({ ...config, auths: { ...config.auths, [key]: entry } }));
  return true;
}

export async function eraseCredentials(cli: Cli, key: string): Promise<void> {
  const helper = await helperFor(cli, key);
  const config = await cli.config();
  const keys = [key, `https://${key}`, `http://${key}`].filter((name) => config.auths?.[name] !== undefined);
  if (helper !== undefined) await eraseFromHelper(helper, key);
  if (keys.length === 0) return;
  await changeConfig(cli.configDirectory, ({ auths, ...rest }) => ({
    ...rest,
    auths: Object.fromEntries(Object.entries(auths ?? {}).filter(([name]) => !keys.includes(name))),
  }));
}
