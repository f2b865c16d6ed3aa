import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import {
  type CgroupLayout,
  cgroupDirectories,
  cgroupsOf,
  freezeCgroup,
  parseCgroupMounts,
  parseProcessCgroups,
  processesIn,
  readCgroupLayout,
  removeCgroups,
  signalCgroups,
} from './cgroup.ts';

describe('cgroup mounts', () => {
  test('hybrid: co-mounted controllers, a named hierarchy and a v2 tree', () => {
    const text = [
      '31 24 0:26 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,mode=755',
      '32 31 0:27 / /sys/fs/cgroup/unified rw shared:9 - cgroup2 cgroup2 rw,nsdelegate',
      '33 31 0:28 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd',
      '34 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct',
      '99 31 0:29 / /mnt/elsewhere rw - cgroup cgroup rw,cpu,cpuacct',
    ].join('\n');
    const { v1, v2 } = parseCgroupMounts(text);
    assert.equal(v2, '/sys/fs/cgroup/unified');
    assert.deepEqual(
      [...v1],
      [
        ['name=systemd', '/sys/fs/cgroup/systemd'],
        ['cpu', '/sys/fs/cgroup/cpu,cpuacct'],
        ['cpuacct', '/sys/fs/cgroup/cpu,cpuacct'],
      ],
    );
  });

  test('v2 only', () => {
    const { v1, v2 } = parseCgroupMounts('35 24 0:30 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw');
    assert.equal(v2, '/sys/fs/cgroup');
    assert.equal(v1.size, 0);
  });

  test('the root of a hierarchy is nobody’s own cgroup', () => {
    const layout: CgroupLayout = {
      mode: 'hybrid',
      v1: new Map([
        ['memory', '/sys/fs/cgroup/memory'],
        ['pids', '/sys/fs/cgroup/pids'],
      ]),
      v2: '/sys/fs/cgroup/unified',
      v2Controllers: [],
    };
    const paths = parseProcessCgroups('8:pids:/\n4:memory:/docker/ab:c\n0::/\n', layout);
    assert.deepEqual(cgroupDirectories(paths, layout), ['/sys/fs/cgroup/memory/docker/ab:c']);
  });
});

/** The hierarchy that freezes, whichever version it is. */
function freezerRoot(): string | undefined {
  const layout = readCgroupLayout();
  return layout.v1.get('freezer') ?? layout.v2;
}

test('cgroup: freeze, thaw, signal and remove, with a nested one', async () => {
  const parent = `${freezerRoot()}/wharf-test-${process.pid}`;
  const nested = `${parent}/nested`;
  mkdirSync(nested, { recursive: true });
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
  const inner = spawn('sleep', ['1000'], { stdio: 'ignore' });
  try {
    writeFileSync(`${parent}/cgroup.procs`, String(child.pid));
    writeFileSync(`${nested}/cgroup.procs`, String(inner.pid));
    assert.deepEqual(processesIn(parent).sort(), [child.pid!, inner.pid!].sort());
    assert.ok(cgroupDirectories(cgroupsOf(child.pid!), readCgroupLayout()).includes(parent));
    await freezeCgroup(child.pid!, true);
    const state = readCgroupLayout().v1.has('freezer') ? 'freezer.state' : 'cgroup.freeze';
    assert.match(readFileSync(`${parent}/${state}`, 'utf8'), /^(FROZEN|1)\n$/);
    await freezeCgroup(child.pid!, false);
    assert.deepEqual(removeCgroups([parent]), [parent]);
    const gone = [once(child, 'exit'), once(inner, 'exit')];
    signalCgroups([parent], 9);
    await Promise.all(gone);
  } finally {
    child.kill('SIGKILL');
    inner.kill('SIGKILL');
  }
  while (removeCgroups([parent]).length > 0) await new Promise((done) => setImmediate(done));
  assert.deepEqual(processesIn(parent), []);
});
