import { existsSync, readFileSync } from 'node:fs';
import { ExitError } from '../exit-error.ts';

type Fields = Readonly<Record<string, unknown>>;

/** What bake files say together; later files win, field by field. */
export interface BakeFile {
  readonly groups: Readonly<Record<string, readonly string[]>>;
  readonly targets: Readonly<Record<string, Fields>>;
}

const standardFiles = ['docker-bake.json', 'docker-bake.override.json'];
const otherFiles = ['docker-bake.hcl', 'docker-bake.override.hcl'];

/** Reads the named files, or those that are found by their usual names. */
export function readBakeFiles(named: readonly string[], lookup: (name: string) => string | undefined): BakeFile {
  const paths = named.length > 0 ? named : standardFiles.filter((path) => existsSync(path));
  const hcl = [...paths, ...(paths.length > 0 ? [] : otherFiles.filter((path) => existsSync(path)))].find((path) =>
    path.endsWith('.hcl'),
  );
  if (hcl !== undefined) {
    throw new ExitError(
      1,
      `ERROR: ${hcl} is HCL, which is not supported: "docker buildx bake -f ${hcl} --print" writes it as JSON, which is`,
    );
  }
  if (paths.length === 0) throw new ExitError(1, "ERROR: couldn't find a bake definition: looked for docker-bake.json");
  const merged: { groups: Record<string, readonly string[]>; targets: Record<string, Fields> } = {
    groups: {},
    targets: {},
  };
  for (const path of paths) {
    const { group = {}, target = {} } = parseFile(path, lookup);
    for (const [name, { targets }] of Object.entries(group)) merged.groups[name] = targets ?? [];
    for (const [name, fields] of Object.entries(target)) {
      merged.targets[name] = { ...merged.targets[name], ...fields };
    }
  }
  return merged;
}

interface Parsed {
  readonly group?: Readonly<Record<string, { readonly targets?: readonly string[] }>>;
  readonly target?: Readonly<Record<string, Fields>>;
  readonly variable?: Readonly<Record<string, { readonly default?: unknown }>>;
}

function parseFile(path: string, lookup: (name: string) => string | undefined): Parsed {
  let parsed: Parsed;
  try {
    parsed = JSON.parse(readFileSync(path, 'utf8')) as Parsed;
  } catch (error) {
    throw new ExitError(1, `ERROR: failed to read bake file ${path}: ${(error as Error).message}`);
  }
  const known = ['group', 'target', 'variable'];
  const other = Object.keys(parsed).find((key) => !known.includes(key));
  if (other !== undefined) throw new ExitError(1, `ERROR: ${path}: ${other} is not supported in bake files of JSON`);
  const variables = parsed.variable ?? {};
  const read = (name: string) => {
    if (!Object.hasOwn(variables, name)) throw new ExitError(1, `ERROR: ${path}: there is no variable named "${name}"`);
    return lookup(name) ?? String(variables[name]?.default ?? '');
  };
  return substituted(parsed, path, read) as Parsed;
}

/** `${NAME}` in every text; anything else in braces is an expression, which JSON files are refused. */
function substituted(value: unknown, path: string, read: (name: string) => string): unknown {
  if (typeof value === 'string') {
    return value.replace(/\$\$\{|\$\{([^}]*)\}/g, (match, expression?: string) => {
      if (expression === undefined) return match.slice(1);
      if (/^\w+$/.test(expression.trim())) return read(expression.trim());
      throw new ExitError(1, `ERROR: ${path}: the expression \${${expression}} is not supported: name a variable`);
    });
  }
  if (Array.isArray(value)) return value.map((item) => substituted(item, path, read));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, substituted(item, path, read)]));
}
