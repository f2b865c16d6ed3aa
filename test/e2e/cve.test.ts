import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { tar } from '../fixtures/tar.ts';
import { useDaemon } from '../harness/fixture.ts';

const engine = useDaemon();

/** What others broke out by; exec-confinement.test.ts and archive.test.ts have those of their subjects. */
describe('known ways out are closed', () => {
  test('a working directory among the runtime’s descriptors (CVE-2024-21626)', async () => {
    for (let fd = 3; fd < 12; fd += 1) {
      const id = await engine.create({ Cmd: ['ls', '../../../..'], WorkingDir: `/proc/self/fd/${fd}` });
      const { status } = await engine.api('POST', `/containers/${id}/start`);
      if (status === 204) assert.notEqual(await engine.wait(id), 0, `it ran in descriptor ${fd}`);
      await engine.remove(id);
    }
  });

  test('a volume or bind over /proc, or something in it (CVE-2019-16884)', async () => {
    for (const bind of ['over:/proc', 'over:/proc/self/attr', '/tmp:/proc/sys']) {
      const created = await engine.api('POST', '/containers/create', {
        Image: 'busybox',
        Cmd: ['true'],
        HostConfig: { Binds: [bind] },
      });
      if (created.status !== 201) continue;
      const started = await engine.api('POST', `/containers/${created.json.Id}/start`);
      await engine.remove(created.json.Id);
      assert.notEqual(started.status, 204, `${bind} was mounted`);
    }
  });

  test('members of an archive that climb out of its directory (tar traversal, CVE-2018-15664)', async () => {
    const mark = `escaped-${engine.daemon.sandbox.id}`;
    const up = '../'.repeat(12);
    const id = await engine.sleeping();
    const archive = tar([
      { name: 'way', type: 'symlink', target: '/../../../../../../tmp' },
      { name: `way/${mark}`, content: 'x' },
      { name: `${up}tmp/${mark}`, content: 'x' },
    ]);
    await engine.daemon.api('PUT', `/containers/${id}/archive?path=/data`, archive, {
      headers: { 'Content-Type': 'application/x-tar' },
    });
    assert.ok(!existsSync(join('/tmp', mark)));
    await engine.remove(id);
  });

  test('the groups of the daemon, or of root, beside a user’s own (CVE-2022-2989, CVE-2022-36109)', async () => {
    const groups = async (User: string) => (await engine.sh('id -G', { User })).stdout.trim();
    assert.equal(await groups('1000:1001'), '1001');
    assert.equal(await groups('user'), '1000 2000 2001');
  });

  test('capabilities that a user’s programs inherit (CVE-2022-24769)', async () => {
    for (const User of ['', '1000']) {
      const { stdout } = await engine.sh('grep CapInh /proc/self/status', { User });
      assert.match(stdout, /CapInh:\s+0{16}\n/);
    }
  });

  test('a release agent of a cgroup, which the host would run (CVE-2022-0492)', async () => {
    const { stdout } = await engine.sh('mkdir /tmp/c; mount -t cgroup -o pids x /tmp/c 2>/dev/null || echo refused');
    assert.equal(stdout, 'refused\n');
  });

  test('a privileged exec gives its privileges to no later one', async () => {
    const id = await engine.sleeping();
    const effective = async (spec = {}) =>
      (await engine.exec(id, ['grep', 'CapEff', '/proc/self/status'], spec)).stdout;
    const before = await effective();
    assert.notEqual(await effective({ Privileged: true }), before);
    assert.equal(await effective(), before);
    await engine.remove(id);
  });
});
