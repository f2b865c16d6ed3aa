import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { useDaemon } from '../harness/fixture.ts';
import { wharfOnly } from '../harness/target.ts';

const engine = useDaemon();
const MB = 1 << 20;

const controllers = '/sys/fs/cgroup/cgroup.controllers';
const hasCpuset = existsSync(controllers)
  ? readFileSync(controllers, 'utf8').includes('cpuset')
  : existsSync('/sys/fs/cgroup/cpuset');
const cpuset = { skip: hasCpuset ? false : 'this kernel has no cpuset' };

const update = (id: string, body: unknown) => engine.api('POST', `/containers/${id}/update`, body);

/** A limit as the kernel has it, of whichever version of cgroups. */
async function kernel(id: string, v1: string, v2: string): Promise<string> {
  const files = `/sys/fs/cgroup/${v1} /sys/fs/cgroup/${v2.split('/').pop()}`;
  return (await engine.exec(id, ['sh', '-c', `cat ${files} 2>/dev/null`])).stdout.trim();
}

describe('update', () => {
  test('limits of a running container, in the record and in the kernel', async () => {
    const id = await engine.sleeping({ HostConfig: { CgroupnsMode: 'private' } });
    const answer = await update(id, {
      Memory: 64 * MB,
      MemorySwap: 128 * MB,
      PidsLimit: 33,
      NanoCpus: 5e8,
      CpuShares: 512,
    });
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(answer.json, { Warnings: null });
    const { HostConfig } = await engine.inspect(id);
    assert.equal(HostConfig.Memory, 64 * MB);
    assert.equal(HostConfig.NanoCpus, 5e8);
    assert.equal(await kernel(id, 'memory/memory.limit_in_bytes', 'memory.max'), String(64 * MB));
    assert.equal(await kernel(id, 'pids/pids.max', 'pids.max'), '33');
    assert.match(await kernel(id, 'cpu/cpu.cfs_quota_us', 'cpu.max'), /^50000/);
    assert.equal((await update(id, { PidsLimit: -1 })).status, 200);
    assert.equal(await kernel(id, 'pids/pids.max', 'pids.max'), 'max');
    // Up and down again: memory must never be above memory and swap.
    assert.equal((await update(id, { Memory: 300 * MB, MemorySwap: 400 * MB })).status, 200);
    assert.equal((await update(id, { Memory: 32 * MB, MemorySwap: 32 * MB })).status, 200);
    assert.equal(await kernel(id, 'memory/memory.limit_in_bytes', 'memory.max'), String(32 * MB));
  });

  test('limits of a stopped container hold at its next start', async () => {
    const id = await engine.create({
      Cmd: ['sleep', '1000'],
      StopSignal: 'SIGKILL',
      HostConfig: { CgroupnsMode: 'private' },
    });
    assert.equal((await update(id, { PidsLimit: 44 })).status, 200);
    await engine.start(id);
    assert.equal(await kernel(id, 'pids/pids.max', 'pids.max'), '44');
  });

  test('the restart policy, and nothing else with it', async () => {
    const id = await engine.sleeping({ HostConfig: { Memory: 64 * MB } });
    assert.equal((await update(id, { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 } })).status, 200);
    const { HostConfig } = await engine.inspect(id);
    assert.deepEqual(HostConfig.RestartPolicy, { Name: 'on-failure', MaximumRetryCount: 3 });
    assert.equal(HostConfig.Memory, 64 * MB);
    assert.equal((await update(id, { RestartPolicy: { Name: 'no' } })).status, 200);
  });

  const refusals: [what: string, hostConfig: Record<string, unknown>, body: object, status: number, message: RegExp][] =
    [
      ['too little memory', {}, { Memory: 5 }, 400, /^Minimum memory limit allowed is 6MB$/],
      [
        'memory without swap',
        {},
        { Memory: 100 * MB },
        409,
        /^Cannot update container \w+: Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time$/,
      ],
      [
        'a period beside CPUs',
        { NanoCpus: 5e8 },
        { CpuPeriod: 100_000 },
        409,
        /Conflicting options: CPU Period cannot be updated as NanoCPUs has already been set$/,
      ],
      [
        'a policy beside --rm',
        { AutoRemove: true },
        { RestartPolicy: { Name: 'always' } },
        409,
        /Restart policy cannot be updated because AutoRemove is enabled for the container$/,
      ],
      ['an unknown policy', {}, { RestartPolicy: { Name: 'bad' } }, 400, /^invalid restart policy/],
    ];
  for (const [what, HostConfig, body, status, message] of refusals) {
    test(`refused: ${what}`, async () => {
      const id = await engine.sleeping({ HostConfig });
      const answer = await update(id, body);
      assert.equal(answer.status, status, answer.text);
      assert.match(answer.json.message, message);
    });
  }

  test('swap below what memory has changes nothing', wharfOnly(), async () => {
    const id = await engine.sleeping({ HostConfig: { Memory: 200 * MB, MemorySwap: 300 * MB, PidsLimit: 20 } });
    const answer = await update(id, { MemorySwap: 100 * MB, PidsLimit: 10 });
    assert.equal(answer.status, 400, answer.text);
    assert.match(answer.json.message, /Minimum memoryswap limit should be larger than memory limit/);
    const { HostConfig } = await engine.inspect(id);
    assert.deepEqual([HostConfig.MemorySwap, HostConfig.PidsLimit], [300 * MB, 20]);
  });

  test('the processors that may run it', cpuset, async () => {
    const id = await engine.sleeping({ HostConfig: { CgroupnsMode: 'private' } });
    assert.equal((await update(id, { CpusetCpus: '0' })).status, 200);
    assert.equal(await kernel(id, 'cpuset/cpuset.cpus', 'cpuset.cpus'), '0');
    const absent = await update(id, { CpusetCpus: '4000' });
    assert.equal(absent.status, 400);
    assert.match(absent.json.message, /Requested CPUs are not available|Invalid value 4000 for cpuset cpus/);
  });

  test('docker update', async () => {
    const id = await engine.sleeping({}, 'updated');
    const out = await engine.daemon.docker(['update', '--pids-limit', '55', '--restart', 'unless-stopped', 'updated']);
    assert.equal(out.stdout, 'updated\n', out.stderr);
    assert.equal((await engine.inspect(id)).HostConfig.PidsLimit, 55);
    assert.equal((await update('absent', {})).status, 404);
  });
});
