import type { Output } from '../terminal/output.ts';

/** The keys of ~/.docker/config.json that the client reads; it keeps all others when it writes. */
export interface ConfigFile {
  readonly auths?: Readonly<Record<string, { readonly auth?: string; readonly identitytoken?: string }>>;
  readonly credsStore?: string;
  /** Helpers of single registries. */
  readonly credHelpers?: Readonly<Record<string, string>>;
  readonly HttpHeaders?: Readonly<Record<string, string>>;
  readonly psFormat?: string;
  readonly statsFormat?: string;
  readonly imagesFormat?: string;
  readonly networksFormat?: string;
  readonly pluginsFormat?: string;
  readonly volumesFormat?: string;
  readonly detachKeys?: string;
  readonly currentContext?: string;
  readonly pruneFilters?: readonly string[];
  readonly proxies?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** An absent file is an empty one; a broken one is warned about and ignored, as docker does. */
export async function readConfigFile(directory: string, err: Output): Promise<ConfigFile> {
  const path = `${directory}/config.json`;
  let content: string;
  try {
    content = await Bun.file(path).text();
  } catch {
    return {};
  }
  try {
    const parsed: unknown = JSON.parse(content);
    return typeof parsed === 'object' && parsed !== null ? parsed : {};
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    err.print(`WARNING: Error loading config file: ${path}: ${reason}\n`);
    return {};
  }
}

/** Changes one key and keeps the rest as it is. */
export async function writeConfigValue(
  directory: string,
  key: keyof ConfigFile,
  value: string | undefined,
): Promise<void> {
  await changeConfig(directory, ({ [key]: _, ...rest }) => (value === undefined ? rest : { ...rest, [key]: value }));
}

/** Writes what `change` makes of the file, whole or not at all; only its owner may read it. */
export async function changeConfig(directory: string, change: (config: ConfigFile) => ConfigFile): Promise<void> {
  const { mkdirSync, realpathSync, renameSync, writeFileSync } = await import('node:fs');
  const file = Bun.file(`${directory}/config.json`);
  const isThere = await file.exists();
  const parsed: ConfigFile = isThere ? JSON.parse(await file.text()) : {};
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  // A link to a file elsewhere stays one.
  const path = isThere ? realpathSync(`${directory}/config.json`) : `${directory}/config.json`;
  const temporary = `${path}.tmp${process.pid}`;
  writeFileSync(temporary, `${JSON.stringify(change(parsed), null, '\t')}\n`, { mode: 0o600 });
  renameSync(temporary, path);
}
