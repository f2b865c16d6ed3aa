import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { cgroupsBelow, openSandbox } from '../harness/sandbox.ts';

test('a sandbox sees what is made in it, and the host does not', async () => {
  const sandbox = await openSandbox();
  const { cgroupParent, directory } = sandbox;
  assert.deepEqual(await sandbox.leftovers(), []);
  const made = await sandbox.run([
    'sh',
    '-c',
    'ip link add br7 type bridge && mkdir -p /run/m && mount -t tmpfs t /run/m',
  ]);
  assert.equal(made.code, 0, made.stderr);
  assert.deepEqual((await sandbox.leftovers()).toSorted(), ['link br7', 'mount /run/m']);
  assert.equal(existsSync('/sys/class/net/br7'), false);
  await sandbox.close();
  assert.deepEqual([existsSync(directory), cgroupsBelow(cgroupParent)], [false, []]);
});

test('a test that is killed takes its sandbox with it', async () => {
  const outer = await openSandbox();
  const script = join(outer.directory, 'victim.ts');
  writeFileSync(
    script,
    `import { openSandbox } from ${JSON.stringify(join(import.meta.dirname, '../harness/sandbox.ts'))};
    import { existsSync, mkdirSync } from 'node:fs';
    const sandbox = await openSandbox();
    if (existsSync('/sys/fs/cgroup/pids')) mkdirSync('/sys/fs/cgroup/pids' + sandbox.cgroupParent);
    void sandbox.run(['sleep', '1000']);
    console.log(sandbox.directory);
    setInterval(() => {}, 1000);`,
  );
  const victim = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  const directory = await new Promise<string>((resolve) => {
    victim.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString().trim()));
  });
  process.kill(-victim.pid!, 'SIGKILL');
  for (const deadline = Date.now() + 10_000; existsSync(directory) && Date.now() < deadline; ) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const name = directory.slice('/tmp'.length);
  assert.deepEqual([existsSync(directory), cgroupsBelow(name)], [false, []]);
  await outer.close();
});
