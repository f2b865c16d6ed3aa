import assert from 'node:assert/strict';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { before, describe, test } from 'node:test';
import { useDaemon } from '../harness/fixture.ts';

// Not every distribution packages it: what it would show is skipped there, and said so.
const plugin = [
  process.env.COMPOSE ?? '',
  '/usr/libexec/docker/cli-plugins/docker-compose',
  '/usr/lib/docker/cli-plugins/docker-compose',
  '/usr/local/lib/docker/cli-plugins/docker-compose',
].find((path) => path !== '' && existsSync(path));

/** Each case says for itself that it is skipped: a file without a single case counts as failed. */
const installed = { skip: plugin === undefined && 'compose is not installed' };

const engine = useDaemon();
let configDirectory = '';
let project = '';

before(() => {
  if (plugin === undefined) return;
  configDirectory = join(engine.daemon.sandbox.directory, 'compose-config');
  project = join(engine.daemon.sandbox.directory, 'shop');
  mkdirSync(join(configDirectory, 'cli-plugins'), { recursive: true });
  symlinkSync(plugin, join(configDirectory, 'cli-plugins', 'docker-compose'));
  write({
    'compose.yaml': shop,
    'setting.conf': 'colour = green\n',
    'password.txt': 'hunter2',
    'site/index.html': 'from the host\n',
    'image/Dockerfile': 'FROM busybox\nARG WORD\nRUN echo built with $WORD > /built\n',
  });
});

function write(files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(project, path)), { recursive: true });
    writeFileSync(join(project, path), text);
  }
}

/**
 * Three tiers: the gate sees the application, the application sees the database, the gate does not. Compose 2.24
 * puts a service into one of two networks only, now and then, where neither has a priority.
 */
const shop = `
name: shop
services:
  database:
    image: busybox
    command: sh -c 'echo prepared > /data/state; exec httpd -f -p 5432 -h /data'
    stop_signal: SIGKILL
    healthcheck: { test: wget -qO- http://127.0.0.1:5432/state, interval: 200ms, retries: 20 }
    networks:
      back: { ipv4_address: 10.77.1.10, ipv6_address: "fd77:1::10", aliases: [db, store.internal] }
    volumes: ["data:/data"]
    secrets: [{ source: password, target: /run/secrets/db-password }]
  migration:
    image: busybox
    command: sh -c 'wget -qO- http://db:5432/state && echo migrated > /data/migrated'
    networks: [back]
    volumes: [{ type: volume, source: data, target: /data }]
    depends_on: { database: { condition: service_healthy } }
  app:
    build: { context: image, args: { WORD: care } }
    command: sh -c 'cp /built /tmp; exec httpd -f -p 8080 -h /tmp'
    stop_signal: SIGKILL
    init: true
    environment: { TIER: middle }
    networks: { front: { priority: 100 }, back: {} }
    configs: [{ source: setting, target: /etc/shop.conf }, { source: greeting, target: /etc/greeting }]
    secrets: [password]
    tmpfs: ["/scratch:size=1m"]
    depends_on:
      migration: { condition: service_completed_successfully }
  gate:
    image: busybox
    command: httpd -f -p 80 -h /site
    stop_signal: SIGKILL
    ports: ["127.0.0.1:18080:80", { target: 80, published: "0", mode: host }]
    networks: { front: { aliases: [www] } }
    volumes: ["./site:/site:ro", "/var/cache"]
    extra_hosts: ["outside:192.0.2.7"]
    depends_on: [app]
    labels: { role: gate }
networks:
  front: { driver_opts: { com.docker.network.driver.mtu: "1400" } }
  back:
    internal: true
    enable_ipv6: true
    ipam: { config: [{ subnet: 10.77.1.0/24, ip_range: 10.77.1.128/25, gateway: 10.77.1.1 }, { subnet: "fd77:1::/64" }] }
volumes:
  data: { labels: { keep: "no" } }
configs:
  setting: { file: ./setting.conf }
  greeting: { content: "good day\\n" }
secrets:
  password: { file: ./password.txt }
`;

async function compose(...command: string[]) {
  const env = { DOCKER_CONFIG: configDirectory, COMPOSE_ANSI: 'never', COMPOSE_PROGRESS: 'plain' };
  return engine.daemon.docker(['compose', '--project-directory', project, ...command], { env });
}

async function done(...command: string[]): Promise<string> {
  const { stdout, stderr, code } = await compose(...command);
  assert.equal(code, 0, `${command.join(' ')}: ${stderr}${stdout}`);
  return stdout;
}

const inside = (service: string, script: string) => done('exec', '-T', service, 'sh', '-c', script);

describe('a project', () => {
  test('goes up in the order of its dependencies', installed, async () => {
    await done('up', '--detach', '--wait', '--build');
    const states = (await done('ps', '--all', '--format', '{{.Service}} {{.State}} {{.Health}}')).trim().split('\n');
    assert.deepEqual(states.map((line) => line.trim()).toSorted(), [
      'app running',
      'database running healthy',
      'gate running',
      'migration exited',
    ]);
    assert.equal(await inside('database', 'cat /data/migrated'), 'migrated\n');
    assert.match(await done('logs', 'migration'), /prepared/);
  });

  test('has its names, addresses and walls', installed, async () => {
    assert.match(await inside('app', 'wget -qO- http://store.internal:5432/state'), /prepared/);
    assert.match(await inside('app', 'nslookup -type=a db'), /10\.77\.1\.10/);
    assert.match(await inside('app', 'nslookup -type=aaaa database'), /fd77:1::10/);
    assert.match(await inside('app', 'ip -4 -o addr'), /10\.77\.1\.(12[89]|1[3-9]\d|2\d\d)\/24/);
    assert.equal((await compose('exec', '-T', 'gate', 'nslookup', 'db')).code, 1);
    assert.notEqual((await compose('exec', '-T', 'gate', 'ping', '-c1', '-W1', '10.77.1.10')).code, 0);
    assert.match(await inside('gate', 'wget -qO- http://app:8080/built; ip link show eth0'), /care(.|\n)*mtu 1400/);
    assert.match(await inside('gate', 'cat /etc/hosts'), /192\.0\.2\.7\toutside/);
  });

  test('has its configs, secrets and mounts', installed, async () => {
    assert.equal(await inside('app', 'cat /etc/shop.conf /etc/greeting'), 'colour = green\ngood day\n');
    assert.equal(await inside('app', 'cat /run/secrets/password'), 'hunter2');
    assert.equal(await inside('database', 'cat /run/secrets/db-password'), 'hunter2');
    assert.match(await inside('app', 'grep " /scratch " /proc/mounts; echo $TIER'), /size=1024k(.|\n)*middle/);
    assert.match((await compose('exec', '-T', 'gate', 'touch', '/site/x')).stderr, /Read-only/);
  });

  test('answers at its published ports', installed, async () => {
    const [, random = ''] = (await done('port', 'gate', '80')).match(/:(\d+)\n/) ?? [];
    for (const port of new Set(['18080', random])) {
      const { stdout } = await engine.daemon.sandbox.run(['busybox', 'wget', '-qO-', `http://127.0.0.1:${port}/`]);
      assert.equal(stdout, 'from the host\n', port);
    }
  });
});

describe('a project that runs', () => {
  test('is left alone by the same file', installed, async () => {
    const before = await done('ps', '--quiet');
    assert.doesNotMatch((await compose('up', '--detach', '--wait')).stderr, /Recreate/);
    assert.deepEqual(new Set((await done('ps', '--quiet')).split('\n')), new Set(before.split('\n')));
  });

  test('scales up and down, and every one of a service has its name', installed, async () => {
    await done('up', '--detach', '--no-recreate', '--scale', 'app=4');
    assert.equal((await done('ps', '--quiet', 'app')).trim().split('\n').length, 4);
    const answers = await inside('gate', 'nslookup -type=a app');
    assert.equal(new Set(answers.match(/(?<=Address: )[\d.]+$/gm)).size, 4, answers);
    await done('scale', 'app=2');
    assert.equal((await done('ps', '--quiet', 'app')).trim().split('\n').length, 2);
  });

  test('replaces what changed, with its volumes and addresses', installed, async () => {
    write({
      'compose.yaml': shop
        .replace('TIER: middle', 'TIER: changed')
        .replace('stop_signal: SIGKILL\n    health', 'labels: { age: new }\n    stop_signal: SIGKILL\n    health'),
    });
    await inside('gate', 'echo kept > /var/cache/file');
    await done('up', '--detach', '--wait');
    assert.equal(await inside('app', 'echo $TIER'), 'changed\n');
    assert.equal(
      await inside('database', 'ip -4 -o addr show eth0 | grep -o 10.77.1.10; cat /data/state'),
      '10.77.1.10\nprepared\n',
    );
    await done('up', '--detach', '--wait', '--force-recreate', '--no-deps', 'gate');
    assert.equal(await inside('gate', 'cat /var/cache/file'), 'kept\n');
  });

  test('runs one-off commands, copies, restarts, stops and starts', installed, async () => {
    assert.match(await done('run', '--rm', '--no-deps', 'app', 'nslookup', 'db'), /10\.77\.1\.10/);
    await done('cp', join(project, 'setting.conf'), 'gate:/tmp/copied');
    assert.equal(await inside('gate', 'cat /tmp/copied'), 'colour = green\n');
    await done('restart', '--no-deps', 'gate');
    await done('pause', 'gate');
    assert.match(await done('ps', 'gate'), /Paused/);
    await done('unpause', 'gate');
    await done('stop');
    assert.equal(await done('ps', '--quiet', '--status', 'running'), '');
    await done('start');
    assert.match(await inside('app', 'wget -qO- http://db:5432/state'), /prepared/);
    assert.match(await done('top'), /httpd/);
    assert.match(await done('ls'), /shop +running/);
    assert.match(await done('images', 'app'), /shop-app/);
  });

  test('comes down and leaves nothing', installed, async () => {
    await done('down', '--volumes', '--rmi', 'local', '--remove-orphans');
    const { Containers, Images } = (await engine.api('GET', '/info')).json;
    assert.deepEqual({ Containers, Images }, { Containers: 0, Images: 1 });
    // Compose hands anonymous volumes on by their names, and `rm -v` spares what has one.
    await engine.api('POST', '/volumes/prune');
    assert.deepEqual((await engine.api('GET', '/volumes')).json.Volumes, []);
    const networks = (await engine.api('GET', '/networks')).json.map(({ Name }: { Name: string }) => Name);
    assert.deepEqual(networks.toSorted(), ['bridge', 'host', 'none']);
  });

  test('that cannot go up says why', installed, async () => {
    write({
      'compose.yaml': `
name: shop
services:
  sick: { image: busybox, command: sleep 100, stop_signal: SIGKILL, healthcheck: { test: "false", interval: 100ms, retries: 1 } }
  after: { image: busybox, command: sleep 100, depends_on: { sick: { condition: service_healthy } } }
`,
    });
    const { code, stderr } = await compose('up', '--detach');
    assert.equal(code, 1);
    assert.match(stderr, /dependency failed to start: container shop-sick-1 is unhealthy/);
    await done('down');
  });
});
