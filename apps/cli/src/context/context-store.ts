import type { ClientTls } from '@wharf/api/client/duplex';
import { invalidArgument, notFound } from '@wharf/base/error';

/** A stored context, as `meta.json` holds it. */
export interface ContextMeta {
  readonly Name: string;
  readonly Metadata: Readonly<Record<string, unknown>>;
  readonly Endpoints: Readonly<Record<string, DockerEndpointMeta>>;
}

export interface DockerEndpointMeta {
  readonly Host?: string;
  readonly SkipTLSVerify?: boolean;
}

/** Where a context lives: directories named by the digest of its name, shared with docker. */
export interface ContextPaths {
  readonly metadata: string;
  readonly tls: string;
}

export function contextPaths(configDirectory: string, name: string): ContextPaths {
  const id = new Bun.CryptoHasher('sha256').update(name).digest('hex');
  return {
    metadata: `${configDirectory}/contexts/meta/${id}`,
    tls: `${configDirectory}/contexts/tls/${id}`,
  };
}

/** Refuses names that docker refuses. */
export function checkContextName(name: string): void {
  if (name === '') throw invalidArgument('context name cannot be empty');
  if (name === 'default') throw invalidArgument('"default" is a reserved context name');
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$/.test(name)) {
    throw invalidArgument(
      `context name "${name}" is invalid, names are validated against regexp "^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$"`,
    );
  }
}

export async function readContext(configDirectory: string, name: string): Promise<ContextMeta> {
  const path = `${contextPaths(configDirectory, name).metadata}/meta.json`;
  const file = Bun.file(path);
  if (!(await file.exists())) {
    throw notFound(`context "${name}": context not found: open ${path}: no such file or directory`);
  }
  return JSON.parse(await file.text());
}

/** Every stored context, by name. */
export async function listContexts(configDirectory: string): Promise<ContextMeta[]> {
  const { readdirSync } = await import('node:fs');
  let ids: string[] = [];
  try {
    ids = readdirSync(`${configDirectory}/contexts/meta`);
  } catch {
    // No directory: no contexts.
  }
  const contexts: ContextMeta[] = [];
  for (const id of ids) {
    const file = Bun.file(`${configDirectory}/contexts/meta/${id}/meta.json`);
    if (await file.exists()) contexts.push(JSON.parse(await file.text()));
  }
  return contexts.sort((a, b) => naturalOrder(a.Name, b.Name));
}

/** `ctx2` before `ctx10`. */
function naturalOrder(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

export const tlsFiles = { ca: 'ca.pem', cert: 'cert.pem', key: 'key.pem' } as const;

/** The stored certificates of a context's docker endpoint; undefined without any. */
export async function readContextTls(
  configDirectory: string,
  { Name, Endpoints }: ContextMeta,
): Promise<ClientTls | undefined> {
  const directory = `${contextPaths(configDirectory, Name).tls}/docker`;
  const [ca, cert, key] = await Promise.all(
    [tlsFiles.ca, tlsFiles.cert, tlsFiles.key].map(async (file) => {
      const stored = Bun.file(`${directory}/${file}`);
      return (await stored.exists()) ? stored.text() : undefined;
    }),
  );
  const skip = Endpoints.docker?.SkipTLSVerify === true;
  if (ca === undefined && cert === undefined && key === undefined && !skip) return undefined;
  return {
    verify: !skip,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}
