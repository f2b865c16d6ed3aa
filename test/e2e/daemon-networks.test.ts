import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { busyboxImage } from '../fixtures/image.ts';
import { Daemon } from '../harness/daemon.ts';
import { removeEverything } from '../harness/fixture.ts';
import { openSandbox, type Sandbox } from '../harness/sandbox.ts';
import { target } from '../harness/target.ts';

let sandbox: Sandbox;
let daemon: Daemon;

before(async () => {
  sandbox = await openSandbox();
  const resolvConf = join(sandbox.directory, 'resolv.conf');
  writeFileSync(resolvConf, 'nameserver 192.0.2.53\nsearch of.the.file\n');
  const newer = ['--default-network-opt', 'bridge=com.docker.network.driver.mtu=1312', '--resolv-conf', resolvConf];
  daemon = new Daemon(sandbox, {
    flags: ['--ipv6', '--fixed-cidr-v6', 'fd00:77::/64', ...(target === 'docker' ? [] : newer)],
  });
  await daemon.start();
  await daemon.api('POST', '/images/load', busyboxImage(), { headers: { 'Content-Type': 'application/x-tar' } });
});
after(async () => {
  await removeEverything(daemon);
  await daemon.stop();
  await sandbox.close();
});

async function docker(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await daemon.docker(args);
  assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
  return stdout.trim();
}

describe('the default bridge', () => {
  test('has IPv6 where the daemon is told so', async () => {
    const [network] = JSON.parse(await docker('network', 'inspect', 'bridge'));
    assert.equal(network.EnableIPv6, true);
    assert.ok(network.IPAM.Config.some(({ Subnet }: { Subnet: string }) => Subnet === 'fd00:77::/64'));
    await docker('run', '-d', '--name', 'first', 'busybox', 'sleep', '1000');
    const address = await docker('inspect', '-f', '{{.NetworkSettings.Networks.bridge.GlobalIPv6Address}}', 'first');
    assert.match(address, /^fd00:77::/);
    await docker('run', '--rm', 'busybox', 'ping', '-6', '-c1', '-W2', address);
    await docker('run', '--rm', 'busybox', 'ping', '-6', '-c1', '-W2', 'fd00:77::1');
    await docker('rm', '-f', 'first');
  });

  const newer = { skip: target === 'docker' && 'dockerd 20.10 has no such flag' };

  test('follows the resolv.conf that was named', newer, async () => {
    assert.match(
      await docker('run', '--rm', 'busybox', 'cat', '/etc/resolv.conf'),
      /nameserver 192.0.2.53\nsearch of.the.file/,
    );
  });

  test('is not what default options are for: new networks are', newer, async () => {
    await docker('network', 'create', 'small');
    await docker('network', 'create', '-o', 'com.docker.network.driver.mtu=1400', 'own');
    const mtu = (network: string) =>
      docker('run', '--rm', '--network', network, 'busybox', 'cat', '/sys/class/net/eth0/mtu');
    assert.deepEqual([await mtu('small'), await mtu('own'), await mtu('bridge')], ['1312', '1400', '1500']);
    await docker('network', 'rm', 'small', 'own');
  });
});
