import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Glob } from 'bun';

/**
 * Bundles the programs into dist/, where they start quicker than from source: wharf.js, wharfd.js, supervisor.js,
 * the workers, and what they share. A file that another program's code names by
 * `new URL('./name.ts', import.meta.url)` is an entry of its own, and the name is rewritten to './name.js'.
 */
const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');

const programs = { wharf: 'apps/cli/src/main.ts', wharfd: 'apps/daemon/src/main.ts' };
const entryName = /new URL\(\s*'\.\/([\w-]+)\.ts',\s*import\.meta\.url,?\s*\)/g;

function namedEntries(): string[] {
  const entries: string[] = [];
  for (const path of new Glob('{apps,packages}/*/src/**/*.ts').scanSync(root)) {
    if (path.endsWith('.test.ts')) continue;
    for (const [, name] of readFileSync(join(root, path), 'utf8').matchAll(entryName)) {
      entries.push(join(root, path, '..', `${name}.ts`));
    }
  }
  return [...new Set(entries)];
}

async function bundle(entrypoints: string[], naming: string): Promise<void> {
  const result = await Bun.build({
    entrypoints,
    outdir: dist,
    target: 'bun',
    format: 'esm',
    splitting: true,
    minify: { whitespace: true, syntax: true, identifiers: false },
    naming: { entry: naming, chunk: 'chunk-[hash].[ext]' },
    plugins: [
      {
        name: 'entries',
        setup(build) {
          build.onLoad({ filter: /\/src\/.*\.ts$/ }, ({ path }) => ({
            contents: readFileSync(path, 'utf8').replace(entryName, "new URL('./$1.js', import.meta.url)"),
            loader: 'ts',
          }));
        },
      },
    ],
  });
  if (!result.success) throw new AggregateError(result.logs, 'cannot bundle');
}

rmSync(dist, { recursive: true, force: true });
for (const [name, path] of Object.entries(programs)) await bundle([join(root, path)], `${name}.[ext]`);
const entries = namedEntries();
const names = entries.map((path) => basename(path));
if (new Set(names).size !== names.length) throw new Error(`two entry files have one name: ${names.sort().join(', ')}`);
if (entries.length > 0) await bundle(entries, '[name].[ext]');
writeFileSync(join(dist, 'built'), '');
