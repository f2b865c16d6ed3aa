import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../../test/harness/target.ts';
import type { EngineKind } from './engine.ts';

export const wharfd: EngineKind = {
  name: 'wharfd',
  command: ({ directory, socket, cgroupParent }) => [
    join(repository, 'bin/wharfd'),
    ...['--data-root', join(directory, 'data'), '--exec-root', join(directory, 'run'), '-H', `unix://${socket}`],
    ...['--pidfile', join(directory, 'pid'), '--cgroup-parent', cgroupParent],
    ...(process.env.BENCH_RUNTIME ? ['--default-runtime', process.env.BENCH_RUNTIME] : []),
  ],
  helpers: [],
  parentByContainer: false,
};

export const dockerd: EngineKind = {
  name: 'dockerd',
  command: ({ directory, socket, cgroupParent }) => [
    'dockerd',
    ...['--data-root', join(directory, 'data'), '--exec-root', join(directory, 'run'), '-H', `unix://${socket}`],
    ...['--pidfile', join(directory, 'pid'), '--cgroup-parent', cgroupParent, '--live-restore', '--log-level', 'error'],
  ],
  helpers: [],
  parentByContainer: false,
};

export const podman: EngineKind = {
  name: 'podman',
  prepare: ({ directory }) => {
    mkdirSync(join(directory, 'etc'), { recursive: true });
    // Without CAP_SYS_RESOURCE podman cannot raise limits: it gets ones that it can have.
    const ulimits =
      'default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\npids_limit = 0\nlog_driver = "k8s-file"';
    writeFileSync(
      join(directory, 'etc/containers.conf'),
      `[containers]\n${ulimits}\n[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\nruntime = "runc"\n`,
    );
    writeFileSync(join(directory, 'etc/policy.json'), '{"default":[{"type":"insecureAcceptAnything"}]}');
  },
  env: ({ directory }) => ({ CONTAINERS_CONF: join(directory, 'etc/containers.conf') }),
  command: ({ directory, socket }) => [
    'podman',
    ...['--root', join(directory, 'data'), '--runroot', join(directory, 'run'), '--tmpdir', join(directory, 'tmp')],
    ...['--storage-driver', 'overlay', '--network-config-dir', join(directory, 'networks')],
    ...['system', 'service', '--time=0', `unix://${socket}`],
  ],
  helpers: ['conmon', 'podman', 'netavark', 'aardvark-dns'],
  parentByContainer: true,
};

export const kinds = { wharfd, dockerd, podman } as const;
