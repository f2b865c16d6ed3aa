import type { Cli } from '../../cli.ts';
import { parseKeyValueFile } from '../../flags/key-values.ts';
import { UsageError } from '../../flags/usage-error.ts';

/** Files first, then flags; `NAME` alone takes the caller's value, or is dropped. */
export async function environmentOf(
  cli: Cli,
  files: readonly string[],
  pairs: readonly string[],
  emptyRemoves: boolean,
): Promise<string[]> {
  const lookup = (name: string) => cli.environment.lookup(name);
  const result: string[] = [];
  for (const file of files) result.push(...(await keyValueFile(file, 'env file', lookup)));
  for (const pair of pairs) {
    if (pair.includes('=')) result.push(pair);
    else {
      const value = lookup(pair);
      // An entry without '=' makes the daemon remove the image's variable.
      if (value !== undefined) result.push(`${pair}=${value}`);
      else if (emptyRemoves) result.push(pair);
    }
  }
  return result;
}

/** As `environmentOf`, of labels. */
export async function labelsOf(cli: Cli, files: readonly string[], labels: readonly string[]): Promise<string[]> {
  const result: string[] = [];
  for (const file of files) {
    result.push(...(await keyValueFile(file, 'label file', (name) => cli.environment.lookup(name))));
  }
  return [...result, ...labels];
}

async function keyValueFile(
  file: string,
  kind: string,
  lookup: (name: string) => string | undefined,
): Promise<string[]> {
  let content: string;
  try {
    content = await Bun.file(file).text();
  } catch {
    throw new UsageError(`open ${file}: no such file or directory`);
  }
  try {
    return parseKeyValueFile(content, lookup);
  } catch (error) {
    throw new UsageError(`invalid ${kind} (${file}): ${error instanceof Error ? error.message : String(error)}`);
  }
}
