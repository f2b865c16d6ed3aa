import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { globalFlags } from '../flags/global.ts';
import { commandHelp, groupHelp, rootHelp } from '../flags/help.ts';
import type { Command } from './command.ts';
import { callsOf, entries, findCommand, groups } from './tree.ts';

describe('every command', () => {
  for (const entry of entries) {
    const [call = ''] = callsOf(entry);
    test(call, async () => {
      const command: Command = await entry.load();
      const shorts = Object.values(command.flags).flatMap(({ short }) => short ?? []);
      assert.equal(new Set(shorts).size, shorts.length, 'two flags share a letter');
      for (const [name, flag] of Object.entries(command.flags))
        assert.notEqual(flag.help, '', `--${name} says nothing`);
      const help = commandHelp(entry, command, call);
      assert.match(help, new RegExp(`^Usage:  wharf ${call}`));
      for (const way of callsOf(entry)) {
        const found = findCommand(way.split(' '));
        assert.ok(found.kind === 'command' && found.entry === entry, way);
      }
    });
  }
});

test('no two commands have one name', () => {
  const calls = entries.flatMap(callsOf);
  assert.equal(new Set(calls).size, calls.length);
});

test('run knows docker’s flags', async () => {
  const found = findCommand(['run']);
  assert.ok(found.kind === 'command');
  const { flags } = await found.entry.load();
  const names = Object.keys(flags);
  const docker =
    'add-host annotation attach blkio-weight blkio-weight-device cap-add cap-drop cgroup-parent cgroupns cidfile cpu-count cpu-percent cpu-period cpu-quota cpu-rt-period cpu-rt-runtime cpu-shares cpus cpuset-cpus cpuset-mems detach detach-keys device device-cgroup-rule device-read-bps device-read-iops device-write-bps device-write-iops dns dns-option dns-search domainname entrypoint env env-file expose gpus group-add health-cmd health-interval health-retries health-start-interval health-start-period health-timeout help hostname init interactive io-maxbandwidth io-maxiops ip ip6 ipc isolation label label-file link link-local-ip log-driver log-opt mac-address memory memory-reservation memory-swap memory-swappiness mount name network network-alias no-healthcheck oom-kill-disable oom-score-adj pid pids-limit platform privileged publish publish-all pull quiet read-only restart rm runtime security-opt shm-size sig-proxy stop-signal stop-timeout storage-opt sysctl tmpfs tty ulimit use-api-socket user userns uts volume volume-driver volumes-from workdir';
  assert.deepEqual(
    docker.split(' ').filter((name) => !names.includes(name)),
    [],
  );
});

test('help names every group and every short command', () => {
  const help = rootHelp(globalFlags);
  for (const group of Object.keys(groups)) {
    const [outer, inner] = group.split(' ');
    if (inner === undefined) assert.match(help, new RegExp(`^  ${group} `, 'm'));
    else assert.match(groupHelp(outer ?? ''), new RegExp(`^  ${inner} `, 'm'));
    assert.match(groupHelp(group), /^Commands:$/m);
  }
  for (const { short } of entries) for (const name of short) assert.match(help, new RegExp(`^  ${name} `, 'm'));
});

test('what is no command is told apart by its group', () => {
  assert.deepEqual(findCommand(['dream']), { kind: 'unknown', path: 'dream', group: '' });
  assert.deepEqual(findCommand(['container', 'dream']), {
    kind: 'unknown',
    path: 'container dream',
    group: 'container',
  });
  assert.deepEqual(findCommand(['container', '--help']), { kind: 'group', group: 'container', rest: ['--help'] });
});

test('a group within a group has commands, also by the name that buildx has for it', () => {
  for (const words of ['builder history ls', 'buildx history ls']) {
    const found = findCommand(words.split(' '));
    assert.ok(found.kind === 'command' && found.path === words);
  }
  assert.deepEqual(findCommand(['buildx', 'history']), { kind: 'group', group: 'buildx history', rest: [] });
  assert.deepEqual(findCommand(['builder', 'history', 'dream']), {
    kind: 'unknown',
    path: 'builder history dream',
    group: 'builder history',
  });
});
