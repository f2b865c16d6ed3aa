import { cut } from '../../flags/parse.ts';
import { UsageError } from '../../flags/usage-error.ts';

export interface SecurityOptions {
  readonly securityOptions: string[];
  /** Null is the daemon's own list; `systempaths=unconfined` empties both. */
  readonly maskedPaths: string[] | null;
  readonly readonlyPaths: string[] | null;
}

/** Reads seccomp profiles, as the daemon may be elsewhere, and takes out what the daemon does not know. */
export async function parseSecurityOptions(options: readonly string[]): Promise<SecurityOptions> {
  const result: string[] = [];
  for (const option of options) result.push(await parseOption(option));
  const unconfined = result.includes('systempaths=unconfined');
  return {
    securityOptions: result.filter((option) => option !== 'systempaths=unconfined'),
    maskedPaths: unconfined ? [] : null,
    readonlyPaths: unconfined ? [] : null,
  };
}

async function parseOption(option: string): Promise<string> {
  let [name, value] = cut(option, '=');
  if (value === undefined && name !== 'no-new-privileges') {
    // The old form separates by a colon.
    [name, value] = cut(option, ':');
    if (value === undefined) throw new UsageError(`Invalid --security-opt: ${JSON.stringify(option)}`);
  }
  if (name !== 'seccomp' || value === undefined || value === 'unconfined' || value === 'builtin') return option;
  let content: string;
  try {
    content = await Bun.file(value).text();
  } catch {
    throw new UsageError(`opening seccomp profile (${value}) failed: open ${value}: no such file or directory`);
  }
  try {
    return `seccomp=${JSON.stringify(JSON.parse(content))}`;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`compacting json for seccomp profile (${value}) failed: ${reason}`);
  }
}
