import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Glob } from 'bun';

/**
 * Runs the project's tests and ends with `N passed, N failed, N skipped`.
 * usage: test.ts [--static] [--unit] [--e2e] [--faults] [FILE...]      no kind and no file: all of them
 */

interface Job {
  readonly name: string;
  readonly command: readonly string[];
  /** Where the command writes junit's XML; without it the command itself is one test. */
  readonly report?: string;
  readonly seconds: number;
}

interface Outcome {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const root = join(import.meta.dirname, '..');
const scratch = mkdtempSync(join(tmpdir(), 'wharf-tests-'));
/** What runs on Node too: packages that must not depend on Bun, but for the client's sockets. */
const portable = ['base', 'oci', 'api'];
const onBunAlone = /^packages\/api\/src\/client\//;

function files(pattern: string): string[] {
  return [...new Glob(pattern).scanSync(root)].sort();
}

function testJob(path: string, seconds: number): Job {
  const report = join(scratch, `${path.replaceAll('/', '-')}.xml`);
  const limit = String(Math.min(seconds, 120) * 1000);
  const options = ['--timeout', limit, '--reporter=junit', `--reporter-outfile=${report}`];
  return { name: path, command: [process.execPath, 'test', `./${path}`, ...options], report, seconds };
}

/** The portable packages' tests, bundled for Node and run by its own runner. */
function nodeJob(path: string): Job {
  const bundle = join(scratch, `${path.replaceAll('/', '-')}.mjs`);
  const report = `${bundle}.xml`;
  const build = `'${process.execPath}' build --target=node --outfile='${bundle}' './${path}' >/dev/null`;
  const run = `node --test --test-reporter=junit --test-reporter-destination='${report}' '${bundle}'`;
  return { name: `${path} (Node)`, command: ['sh', '-c', `${build} && ${run}`], report, seconds: 60 };
}

const kinds: Readonly<Record<string, () => Job[]>> = {
  '--static': () => [
    { name: 'format and lint', command: ['node_modules/.bin/biome', 'ci', '--error-on-warnings', '.'], seconds: 120 },
    { name: 'types', command: ['node_modules/.bin/tsc', '-p', '.'], seconds: 120 },
  ],
  '--unit': () => [
    ...files('{packages,apps}/*/src/**/*.test.ts').map((path) => testJob(path, 180)),
    ...files('tools/*.test.ts').map((path) => testJob(path, 60)),
    ...files(`packages/{${portable.join(',')}}/src/**/*.test.ts`)
      .filter((path) => !onBunAlone.test(path))
      .map(nodeJob),
  ],
  '--e2e': () => files('test/{e2e,conformance,cgroup-v2}/**/*.test.ts').map((path) => testJob(path, 600)),
  '--faults': () => files('test/faults/**/*.test.ts').map((path) => testJob(path, 900)),
};

function run(job: Job): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(job.command[0]!, job.command.slice(1), {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
    const timer = setTimeout(() => {
      chunks.push(Buffer.from(`\nkilled after ${job.seconds} s\n`));
      process.kill(-child.pid!, 'SIGKILL');
    }, job.seconds * 1000);
    child.once('error', (error) => chunks.push(Buffer.from(String(error))));
    // What a killed test has left behind may hold its pipes for ever.
    child.once('exit', () => {
      setTimeout(() => {
        child.stdout.destroy();
        child.stderr.destroy();
      }, 10_000).unref();
    });
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve({ code: code ?? 137, output: Buffer.concat(chunks).toString() });
    });
  });
}

/** What junit's report says; a process that failed without a failed case counts as one. */
function outcome(job: Job, code: number): Outcome {
  if (!job.report) return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 };
  let report = '';
  try {
    report = readFileSync(job.report, 'utf8');
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
  const cases = report.match(/<testcase\b[^>]*?(?:\/>|>[\s\S]*?<\/testcase>)/g) ?? [];
  const failed = cases.filter((text) => /<(?:failure|error)\b/.test(text)).length;
  const skipped = cases.filter((text) => /<skipped\b/.test(text)).length;
  const unreported = code !== 0 && failed === 0 ? 1 : 0;
  return { passed: cases.length - failed - skipped, failed: failed + unreported, skipped };
}

function jobsFor(words: readonly string[]): Job[] {
  if (words.length === 0) return Object.values(kinds).flatMap((make) => make());
  return words.flatMap((word) => kinds[word]?.() ?? [testJob(word, 900)]);
}

async function main(): Promise<number> {
  const jobs = jobsFor(process.argv.slice(2));
  const total = { passed: 0, failed: 0, skipped: 0 };
  const queue = jobs.values();
  async function work(): Promise<void> {
    for (const job of queue) {
      const began = performance.now();
      const { code, output } = await run(job);
      const { passed, failed, skipped } = outcome(job, code);
      total.passed += passed;
      total.failed += failed;
      total.skipped += skipped;
      const seconds = ((performance.now() - began) / 1000).toFixed(1);
      console.log(`${failed === 0 ? 'ok  ' : 'FAIL'} ${job.name}  ${passed}/${passed + failed}  ${seconds} s`);
      if (failed > 0) console.log(output.slice(-20_000));
    }
  }
  await Promise.all([work(), work()]);
  rmSync(scratch, { recursive: true, force: true });
  console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  return total.failed === 0 && total.passed > 0 ? 0 : 1;
}

process.exit(await main());
