import type { Cli } from '../../cli.ts';
import {
  type ContextMeta,
  contextPaths,
  type DockerEndpointMeta,
  readContext,
  readContextTls,
  tlsFiles,
} from '../../context/context-store.ts';
import { defaultEndpoint } from '../../context/endpoint.ts';
import { ExitError } from '../../exit-error.ts';
import { parseBool } from '../../flags/flag.ts';
import { splitCsv } from '../../flags/key-values.ts';
import { cut } from '../../flags/parse.ts';

/** A context's docker endpoint with the certificates to store beside it. */
export interface DockerEndpoint {
  readonly meta: DockerEndpointMeta;
  readonly files: Readonly<Record<string, string>>;
}

/** Reads `--docker host=...,ca=...,cert=...,key=...,skip-tls-verify=...` or `from=NAME`. */
export async function parseDockerEndpoint(cli: Cli, text: string): Promise<DockerEndpoint> {
  const options = new Map<string, string>();
  for (const pair of splitCsv(text)) {
    const [key, value = ''] = cut(pair, '=');
    if (!['from', 'host', 'ca', 'cert', 'key', 'skip-tls-verify'].includes(key)) {
      throw new ExitError(1, `unrecognized config key: ${key}`);
    }
    options.set(key, value);
  }
  const from = options.get('from');
  if (from !== undefined) return endpointOf(cli, from);
  const files: Record<string, string> = {};
  for (const key of ['ca', 'cert', 'key'] as const) {
    const path = options.get(key);
    if (path) files[tlsFiles[key]] = await read(path);
  }
  const skip = options.get('skip-tls-verify');
  const meta = { Host: options.get('host') ?? '', SkipTLSVerify: skip === undefined ? false : parseBool(skip) };
  return { meta, files };
}

/** The endpoint of an existing context, certificates and all. */
export async function endpointOf(cli: Cli, name: string): Promise<DockerEndpoint> {
  if (name === 'default') {
    const { address, tls } = await defaultEndpoint(cli);
    return { meta: { Host: address.text, SkipTLSVerify: tls?.verify === false }, files: filesOf(tls) };
  }
  const stored = await readContext(cli.configDirectory, name);
  const tls = await readContextTls(cli.configDirectory, stored);
  return { meta: stored.Endpoints.docker ?? {}, files: filesOf(tls) };
}

function filesOf(tls: { ca?: string; cert?: string; key?: string } | undefined): Record<string, string> {
  const files: Record<string, string> = {};
  for (const key of ['ca', 'cert', 'key'] as const) {
    const content = tls?.[key];
    if (content !== undefined) files[tlsFiles[key]] = content;
  }
  return files;
}

/** Writes the context's metadata, and its certificates if there are new ones. */
export async function storeContext(
  cli: Cli,
  meta: ContextMeta,
  files: DockerEndpoint['files'] | undefined,
): Promise<void> {
  const { mkdirSync, renameSync, rmSync, writeFileSync } = await import('node:fs');
  const paths = contextPaths(cli.configDirectory, meta.Name);
  mkdirSync(paths.metadata, { recursive: true, mode: 0o755 });
  const temporary = `${paths.metadata}/.meta.json.tmp`;
  writeFileSync(temporary, JSON.stringify(meta), { mode: 0o644 });
  renameSync(temporary, `${paths.metadata}/meta.json`);
  if (files === undefined) return;
  rmSync(`${paths.tls}/docker`, { recursive: true, force: true });
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(`${paths.tls}/docker`, { recursive: true, mode: 0o700 });
    writeFileSync(`${paths.tls}/docker/${name}`, content, { mode: 0o600 });
  }
}

async function read(path: string): Promise<string> {
  const file = Bun.file(path);
  if (await file.exists()) return file.text();
  throw new ExitError(1, `unable to create docker endpoint config: open ${path}: no such file or directory`);
}
