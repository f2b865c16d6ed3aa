import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import type { Resources } from '@wharf/api/container';
import { target } from '../../harness/target.ts';
import { type FieldCase, inside, limit, refused, refusedAtStart, seen, shown, unlessExists } from './field-case.ts';

const unified = existsSync('/sys/fs/cgroup/cgroup.controllers');
const root = '/sys/fs/cgroup';
const v1 = (file: string) => (unified ? { skip: 'cgroup v1 alone' } : unlessExists(`${root}/${file}`));
const disk = readDisk();
const onDisk = { skip: disk === undefined && 'a machine without a disk' };
const path = `/dev/${disk?.name}`;
const device = `${disk?.major}:${disk?.minor}`;

const throttle = (field: string, v1File: string, key: string) =>
  inside(
    'per device',
    { HostConfig: { [field]: [{ Path: path, Rate: 1048576 }] } },
    limit(`blkio/blkio.throttle.${v1File}`, 'io.max'),
    new RegExp(`^${device} (1048576$|.*\\b${key}=1048576\\b)`),
    onDisk,
  );
const noDevice = (field: string) =>
  refusedAtStart(
    'a device that is not there',
    { HostConfig: { [field]: [{ Path: '/dev/nowhere', Rate: 1 }] } },
    /\/dev\/nowhere/,
  );

/** Every field of `HostConfig` that limits; also what `update` may change. */
export const resourceCases: Record<keyof Resources, readonly FieldCase[]> = {
  CpuShares: [
    inside('weighs the CPU', { HostConfig: { CpuShares: 512 } }, limit('cpu/cpu.shares', 'cpu.weight'), /^(512|20)$/),
  ],
  Memory: [
    inside(
      'a limit',
      { HostConfig: { Memory: 67108864 } },
      limit('memory/memory.limit_in_bytes', 'memory.max'),
      '67108864',
    ),
    refused('less than 6 MB', { HostConfig: { Memory: 1048576 } }, 400, /Minimum memory limit allowed is 6MB/),
  ],
  NanoCpus: [
    inside(
      'a quota',
      { HostConfig: { NanoCpus: 500_000_000 } },
      limit('cpu/cpu.cfs_quota_us', 'cpu.max'),
      /^50000( 100000)?$/,
    ),
    refused(
      'with a period',
      { HostConfig: { NanoCpus: 5e8, CpuPeriod: 10000 } },
      400,
      /Nano CPUs and CPU Period cannot both be set/,
    ),
    refused('more than there are', { HostConfig: { NanoCpus: 1e15 } }, 400, /Range of CPUs is from 0.01 to/),
  ],
  CgroupParent: [
    seen('is where the container’s cgroup is', async (engine) => {
      const parent = `${engine.daemon.sandbox.cgroupParent}/below/it`;
      const id = await engine.sleeping({ HostConfig: { CgroupParent: parent } });
      const { Pid } = (await engine.inspect(id)).State;
      const { stdout } = await engine.daemon.sandbox.run(['cat', `/proc/${Pid}/cgroup`]);
      await engine.remove(id);
      assert.match(stdout, new RegExp(`:${parent}/${id}$`, 'm'));
      // Whoever names a parent has it.
      const made = ['-depth', '-type', 'd', '-path', `*${engine.daemon.sandbox.cgroupParent}/below*`];
      await engine.daemon.sandbox.run(['find', '/sys/fs/cgroup/', ...made, '-exec', 'rmdir', '{}', '+']);
    }),
  ],
  BlkioWeight: [
    inside(
      'weighs block I/O',
      { HostConfig: { BlkioWeight: 300 } },
      `cat /sys/fs/cgroup/blkio/blkio.bfq.weight 2>/dev/null || ${limit('blkio/blkio.weight', 'io.bfq.weight')}`,
      /300$/,
      { skip: !unified && !existsSync(`${root}/blkio/blkio.bfq.weight`) && 'a kernel without weights' },
    ),
    refused('out of range', { HostConfig: { BlkioWeight: 5 } }, 400, /Range of blkio weight is from 10 to 1000/, {
      skip: !unified && !existsSync(`${root}/blkio/blkio.bfq.weight`) && 'a kernel without weights',
    }),
  ],
  BlkioWeightDevice: [
    inside(
      'per device',
      { HostConfig: { BlkioWeightDevice: [{ Path: path, Weight: 400 }] } },
      'cat /sys/fs/cgroup/blkio/blkio.bfq.weight_device',
      new RegExp(`${device} 400`),
      disk === undefined ? onDisk : v1('blkio/blkio.bfq.weight_device'),
    ),
  ],
  BlkioDeviceReadBps: [throttle('BlkioDeviceReadBps', 'read_bps_device', 'rbps'), noDevice('BlkioDeviceReadBps')],
  BlkioDeviceWriteBps: [throttle('BlkioDeviceWriteBps', 'write_bps_device', 'wbps'), noDevice('BlkioDeviceWriteBps')],
  BlkioDeviceReadIOps: [throttle('BlkioDeviceReadIOps', 'read_iops_device', 'riops'), noDevice('BlkioDeviceReadIOps')],
  BlkioDeviceWriteIOps: [
    throttle('BlkioDeviceWriteIOps', 'write_iops_device', 'wiops'),
    noDevice('BlkioDeviceWriteIOps'),
  ],
  CpuPeriod: [
    inside(
      'of a quota',
      { HostConfig: { CpuQuota: 20000, CpuPeriod: 50000 } },
      limit('cpu/cpu.cfs_period_us', 'cpu.max'),
      /50000$/,
    ),
    refused('too short', { HostConfig: { CpuPeriod: 5 } }, 400, /CPU cfs period can not be less than 1ms/),
  ],
  CpuQuota: [
    inside('alone', { HostConfig: { CpuQuota: 20000 } }, limit('cpu/cpu.cfs_quota_us', 'cpu.max'), /^20000/),
    refused('too short', { HostConfig: { CpuQuota: 5 } }, 400, /CPU cfs quota can not be less than 1ms/),
  ],
  CpuRealtimePeriod: [
    inside(
      'of the real-time share',
      { HostConfig: { CpuRealtimePeriod: 500000 } },
      'cat /sys/fs/cgroup/cpu/cpu.rt_period_us',
      '500000',
      v1('cpu/cpu.rt_period_us'),
    ),
  ],
  CpuRealtimeRuntime: [
    refused(
      'more than the period',
      { HostConfig: { CpuRealtimePeriod: 1000, CpuRealtimeRuntime: 2000 } },
      400,
      /real-time runtime cannot be higher than cpu real-time period/,
      v1('cpu/cpu.rt_runtime_us'),
    ),
    refusedAtStart(
      'more than the parent has',
      { HostConfig: { CpuRealtimeRuntime: 10000 } },
      /cpu.rt_runtime_us/,
      v1('cpu/cpu.rt_runtime_us'),
    ),
  ],
  CpusetCpus: [
    inside('which CPUs', { HostConfig: { CpusetCpus: '0' } }, limit('cpuset/cpuset.cpus', 'cpuset.cpus'), '0'),
    refused('one that is not there', { HostConfig: { CpusetCpus: '4000' } }, 400, /Requested CPUs are not available/),
  ],
  CpusetMems: [
    inside('which memory nodes', { HostConfig: { CpusetMems: '0' } }, limit('cpuset/cpuset.mems', 'cpuset.mems'), '0'),
    refused(
      'one that is not there',
      { HostConfig: { CpusetMems: '99' } },
      400,
      /Requested memory nodes are not available/,
    ),
  ],
  Devices: [
    inside(
      'under another name',
      { HostConfig: { Devices: [{ PathOnHost: '/dev/zero', PathInContainer: '/dev/nil', CgroupPermissions: 'r' }] } },
      'head -c3 /dev/nil | wc -c; ls -l /dev/nil | tr -s " " | cut -d" " -f5-6',
      /^3\n1,\s*5$/,
    ),
    inside(
      'only what it is allowed',
      { HostConfig: { Devices: [{ PathOnHost: '/dev/fuse', PathInContainer: '/dev/f', CgroupPermissions: 'm' }] } },
      '(: < /dev/f) 2>&1 | grep -o "Operation not permitted"',
      'Operation not permitted',
      unlessExists('/dev/fuse'),
    ),
    refusedAtStart(
      'one that is not there',
      {
        HostConfig: { Devices: [{ PathOnHost: '/dev/nowhere', PathInContainer: '/dev/x', CgroupPermissions: 'rwm' }] },
      },
      /error gathering device information while adding custom device "\/dev\/nowhere": no such file or directory/,
    ),
  ],
  DeviceCgroupRules: [
    inside(
      'allows what is made later',
      { HostConfig: { DeviceCgroupRules: ['c 1:2 rwm', 'c 1:7 rwm'] } },
      'mknod /root/full c 1 7 && (echo x > /root/full) 2>&1 | grep -o "No space left"',
      'No space left',
    ),
    refused('a bad one', { HostConfig: { DeviceCgroupRules: ['x'] } }, 400, /invalid device cgroup rule format: 'x'/, {
      skip: target === 'docker' && 'found at start there',
    }),
  ],
  DeviceRequests: [
    refused(
      'until there are drivers',
      { HostConfig: { DeviceRequests: [{ Count: -1, Capabilities: [['gpu']] }] } },
      501,
      /DeviceRequests/,
      { skip: target === 'docker' && 'it says no at the start' },
    ),
  ],
  MemoryReservation: [
    inside(
      'a soft limit',
      { HostConfig: { MemoryReservation: 33554432 } },
      limit('memory/memory.soft_limit_in_bytes', 'memory.low'),
      '33554432',
    ),
    refused(
      'above the limit',
      { HostConfig: { Memory: 16777216, MemoryReservation: 33554432 } },
      400,
      /Minimum memory limit can not be less than memory reservation limit, see usage/,
    ),
  ],
  MemorySwap: [
    inside(
      'memory and swap together',
      { HostConfig: { Memory: 33554432, MemorySwap: 67108864 } },
      limit('memory/memory.memsw.limit_in_bytes', 'memory.swap.max'),
      unified ? '33554432' : '67108864',
      unified ? {} : unlessExists(`${root}/memory/memory.memsw.limit_in_bytes`),
    ),
    refused(
      'without memory',
      { HostConfig: { MemorySwap: 67108864 } },
      400,
      /You should always set the Memory limit when using Memoryswap limit, see usage/,
    ),
  ],
  MemorySwappiness: [
    inside(
      'is set',
      { HostConfig: { MemorySwappiness: 42 } },
      'cat /sys/fs/cgroup/memory/memory.swappiness',
      '42',
      v1('memory/memory.swappiness'),
    ),
    refused(
      'out of range',
      { HostConfig: { MemorySwappiness: 101 } },
      400,
      /Invalid value: 101, valid memory swappiness range is 0-100/,
      v1('memory/memory.swappiness'),
    ),
  ],
  OomKillDisable: [
    inside(
      'nothing is killed',
      { HostConfig: { OomKillDisable: true, Memory: 67108864 } },
      'grep oom_kill_disable /sys/fs/cgroup/memory/memory.oom_control',
      'oom_kill_disable 1',
      v1('memory/memory.oom_control'),
    ),
  ],
  PidsLimit: [
    inside('a limit', { HostConfig: { PidsLimit: 42 } }, limit('pids/pids.max', 'pids.max'), '42'),
    inside('none', { HostConfig: { PidsLimit: -1 } }, limit('pids/pids.max', 'pids.max'), 'max'),
  ],
  Ulimits: [
    inside(
      'soft and hard',
      { HostConfig: { Ulimits: [{ Name: 'nofile', Soft: 100, Hard: 200 }] } },
      'ulimit -n; ulimit -Hn',
      '100\n200',
    ),
    refused(
      'soft above hard',
      { HostConfig: { Ulimits: [{ Name: 'nofile', Soft: 300, Hard: 200 }] } },
      400,
      /ulimit soft limit must be less than or equal to hard limit: 300 > 200/,
      { skip: target === 'docker' && 'found at start there' },
    ),
  ],
  CpuCount: [
    shown('means nothing on Linux', { HostConfig: { CpuCount: 2 } }, ({ HostConfig }) => HostConfig.CpuCount, 2),
  ],
  CpuPercent: [
    seen('is discarded with a warning', async (engine) => {
      const answer = await engine.api('POST', '/containers/create', {
        Image: 'busybox',
        HostConfig: { CpuPercent: 50 },
      });
      assert.match(answer.json.Warnings.join(), /CPU percent. Percent discarded./i);
      await engine.remove(answer.json.Id);
    }),
  ],
  IOMaximumIOps: [
    refused(
      'on Linux',
      { HostConfig: { IOMaximumIOps: 1 } },
      400,
      /linux does not support configuration of maximum IOPs/i,
    ),
  ],
  IOMaximumBandwidth: [
    refused(
      'on Linux',
      { HostConfig: { IOMaximumBandwidth: 1 } },
      400,
      /linux does not support configuration of maximum bandwidth/i,
    ),
  ],
};

/** A whole disk of the machine, for limits by device. */
function readDisk(): { name: string; major: number; minor: number } | undefined {
  for (const line of readFileSync('/proc/partitions', 'utf8').split('\n')) {
    const [major, minor, , name] = line.trim().split(/\s+/);
    if (!name || !/^(vd|sd|nvme)/.test(name) || !existsSync(`/dev/${name}`)) continue;
    if (statSync(`/dev/${name}`).isBlockDevice()) return { name, major: Number(major), minor: Number(minor) };
  }
  return undefined;
}
