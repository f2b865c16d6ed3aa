import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { useDaemon } from '../harness/fixture.ts';
import { target, wharfOnly } from '../harness/target.ts';

const engine = useDaemon();

/** All that confines a process, as it sees it itself. */
const look = `
grep -E '^(Uid|Gid|Groups|Cap...|NoNewPrivs|Seccomp):' /proc/self/status | sed 's/[ \t]*$//'
cat /proc/self/limits | tr -s ' '
for kind in cgroup ipc mnt net pid user uts; do readlink /proc/self/ns/$kind; done
cut -d: -f2,3 /proc/self/cgroup | sort
echo "adj $(cat /proc/self/oom_score_adj) umask $(umask) in $PWD"
env | sort
ls -l /proc/self/fd | awk 'NF > 8 {print $9}' | grep -v 3
`;

const hosts: readonly (readonly [
  what: string,
  hostConfig: Record<string, unknown>,
  config?: Record<string, unknown>,
])[] = [
  ['by default', {}],
  ['of a user', { GroupAdd: ['2000', '2001'] }, { User: '1000:1001' }],
  ['without capabilities', { CapDrop: ['ALL'] }],
  ['with one more', { CapAdd: ['NET_ADMIN'], CapDrop: ['CHOWN'] }],
  ['that gains no privileges', { SecurityOpt: ['no-new-privileges'] }, { User: '1000' }],
  ['without a filter', { SecurityOpt: ['seccomp=unconfined'] }],
  ['with limits', { Ulimits: [{ Name: 'nofile', Soft: 123, Hard: 456 }], OomScoreAdj: 77 }],
  ['in another directory', {}, { WorkingDir: '/etc', Env: ['A=b c', 'PATH=/bin:/usr/bin'] }],
  ['with the host’s pids', { PidMode: 'host' }],
  ['with a root that is read-only', { ReadonlyRootfs: true }],
  ...(target === 'wharf' ? ([['of runc', { Runtime: 'runc' }]] as const) : []),
];

describe('an exec is confined as the process of its container', () => {
  for (const [what, HostConfig, config = {}] of hosts) {
    test(what, async () => {
      const script = `{ ${look} } 2>&1; echo done; exec sleep 1000`;
      const spec = { Cmd: ['sh', '-c', script], StopSignal: 'SIGKILL', HostConfig, ...config };
      const id = await engine.started(spec);
      await engine.logged(id, 'done');
      const { stdout: own } = await engine.logs(id);
      const exec = await engine.exec(id, ['sh', '-c', `{ ${look} } 2>&1; echo done`]);
      assert.equal(exec.stdout, own);
      await engine.remove(id);
    });
  }

  test('but a privileged one has every capability', wharfOnly(), async () => {
    const id = await engine.sleeping();
    const mask = async (spec: Record<string, unknown>) =>
      (await engine.exec(id, ['grep', 'CapEff', '/proc/self/status'], spec)).stdout.split('\t')[1]!.trim();
    const [plain, privileged] = [await mask({}), await mask({ Privileged: true })];
    assert.equal(BigInt(`0x${privileged}`) & BigInt(`0x${plain}`), BigInt(`0x${plain}`));
    assert.ok(BigInt(`0x${privileged}`) > 0x1fffffffffn);
    await engine.remove(id);
  });
});

describe('an exec holds nothing of the host', () => {
  test('no descriptor, no directory that leads out (CVE-2024-21626)', async () => {
    const id = await engine.sleeping();
    const { stdout } = await engine.exec(id, ['sh', '-c', 'ls -l /proc/self/fd; ls /proc/self/fd']);
    const open = stdout.split('\n').filter((line) => /^\d+$/.test(line));
    assert.deepEqual(open, ['0', '1', '2', '3']);
    for (const WorkingDir of ['/proc/self/fd/4', '/proc/self/fd/7', '/proc/self/fd/8']) {
      const { code } = await engine.exec(id, ['pwd'], { WorkingDir });
      assert.notEqual(code, 0, WorkingDir);
    }
    await engine.remove(id);
  });

  test('no program of the host by /proc/self/exe, before or after it executes (CVE-2019-5736)', async () => {
    const watch = `
      while :; do for p in /proc/[0-9]*; do
        exe=$(readlink $p/exe 2>/dev/null) || continue
        case $exe in /bin/*|/usr/bin/*|'') ;; *) (: >> $p/exe) 2>/dev/null && echo "wrote $exe" ;; esac
      done; done`;
    const id = await engine.started({ Cmd: ['sh', '-c', watch], StopSignal: 'SIGKILL' });
    for (let round = 0; round < 20; round += 1) {
      assert.equal((await engine.exec(id, ['true'])).code, 0);
    }
    assert.equal((await engine.logs(id)).stdout, '');
    await engine.remove(id);
  });
});
