import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Glob } from 'bun';

/**
 * Makes packages/build/src/pb from packages/build/proto: `bun tools/protos.ts`. What it makes is committed, with a
 * fingerprint of what it was made from; a test compares the two, so that neither the compiler (128 MB) nor the
 * network is needed to work on anything else.
 */
const tools = { '@bufbuild/buf': '1.75.0', '@bufbuild/protoc-gen-es': '2.17.0', '@bufbuild/protobuf': '2.17.0' };
const options = ['target=ts', 'import_extension=ts', 'erasable_syntax=true'];

const root = join(import.meta.dirname, '..');
const sources = join(root, 'packages/build/proto');
const output = join(root, 'packages/build/src/pb');
const fingerprintFile = join(output, 'made-from.txt');

/** Of everything that decides what the generated code looks like. */
export function fingerprint(): string {
  const hash = createHash('sha256').update(JSON.stringify([tools, options]));
  for (const path of [...new Glob('**/*.proto').scanSync(sources)].sort()) {
    hash.update(`\0${path}\0`).update(readFileSync(join(sources, path)));
  }
  return `${hash.digest('hex')}\n`;
}

export function committedFingerprint(): string {
  return readFileSync(fingerprintFile, 'utf8');
}

function run(command: string[], cwd: string): void {
  const { status } = spawnSync(command[0] ?? '', command.slice(1), { cwd, stdio: 'inherit' });
  if (status !== 0) throw new Error(`${command.join(' ')}: exit ${status}`);
}

function generate(): void {
  const work = mkdtempSync(join(tmpdir(), 'wharf-protos-'));
  try {
    writeFileSync(join(work, 'package.json'), '{"private":true}');
    const packages = Object.entries(tools).map(([name, version]) => `${name}@${version}`);
    run(['npm', 'install', '--no-audit', '--no-fund', '--loglevel=error', ...packages], work);
    const plugin = { local: join(work, 'node_modules/.bin/protoc-gen-es'), out: output, opt: options };
    writeFileSync(join(work, 'template.json'), JSON.stringify({ version: 'v2', clean: true, plugins: [plugin] }));
    run([join(work, 'node_modules/.bin/buf'), 'generate', sources, '--template', join(work, 'template.json')], work);
    writeFileSync(fingerprintFile, fingerprint());
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

if (import.meta.main) generate();
