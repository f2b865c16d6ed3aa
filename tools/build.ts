import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Glob } from 'bun';

/**
 * Bundles the programs into dist/current/, where they start quicker than from source: wharf.js, wharfd.js,
 * supervisor.js, the workers, and what they share. Each build has a directory of its own, and the last few stay: a
 * daemon that runs loads some of its files later. A file that another program's code names by
 * `new URL('./name.ts', import.meta.url)` is an entry of its own, and the name is rewritten to './name.js'.
 */
const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');
const name = `build-${Date.now()}`;
const output = join(dist, name);
const buildsKept = 3;

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

// The client's start is all it costs: one file with its bytecode beside it, so that nothing is parsed, takes two
// thirds of the time that split modules take.
async function bundleClient(): Promise<void> {
  const result = await Bun.build({
    entrypoints: [join(root, 'apps/cli/src/main.ts')],
    outdir: output,
    target: 'bun',
    format: 'cjs',
    bytecode: true,
    minify: true,
    naming: { entry: 'wharf.[ext]' },
  });
  if (!result.success) throw new AggregateError(result.logs, 'cannot bundle the client');
}

async function bundle(entrypoints: string[], naming: string): Promise<void> {
  const result = await Bun.build({
    entrypoints,
    outdir: output,
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

mkdirSync(output, { recursive: true });
await bundleClient();
await bundle([join(root, 'apps/daemon/src/main.ts')], 'wharfd.[ext]');
await bundle([join(root, 'apps/registry/src/main.ts')], 'wharf-registry.[ext]');
const entries = namedEntries();
const names = entries.map((path) => basename(path));
if (new Set(names).size !== names.length) throw new Error(`two entry files have one name: ${names.sort().join(', ')}`);
if (entries.length > 0) await bundle(entries, '[name].[ext]');
symlinkSync(name, join(dist, `${name}.link`));
renameSync(join(dist, `${name}.link`), join(dist, 'current'));
writeFileSync(join(dist, 'built'), '');
const builds = readdirSync(dist).filter((entry) => /^build-\d+$/.test(entry));
const running = commandLines();
for (const old of builds.sort().slice(0, -buildsKept)) {
  // A daemon reads some of its files only when it needs them.
  if (!running.includes(join(dist, old))) rmSync(join(dist, old), { recursive: true, force: true });
}

function commandLines(): string {
  const processes = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry));
  return processes.map((pid) => readText(`/proc/${pid}/cmdline`)).join('\n');
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
