import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { useDaemon } from '../harness/fixture.ts';
import { exchange } from '../harness/http.ts';
import { dockerSince, wharfOnly } from '../harness/target.ts';

const engine = useDaemon();

describe('ping', () => {
  for (const method of ['GET', 'HEAD']) {
    test(`${method} tells what a client negotiates by`, dockerSince('23.0'), async () => {
      const { status, headers, text } = await engine.api(method, '/_ping');
      assert.equal(status, 200);
      assert.equal(text, method === 'GET' ? 'OK' : '');
      assert.match(headers['api-version']!, /^1\.\d+$/);
      assert.equal(headers.ostype, 'linux');
      assert.match(headers['builder-version']!, /^[12]$/);
      assert.equal(headers['docker-experimental'], 'false');
      assert.equal(headers['cache-control'], 'no-cache, no-store, must-revalidate');
      assert.equal(headers.pragma, 'no-cache');
      assert.match(headers.server!, /^Docker\/.+ \(linux\)$/);
      assert.match(headers['content-type']!, /^text\/plain/);
    });
  }
});

describe('versions', () => {
  test('every one between the oldest and the newest serves the same containers', async () => {
    const { ApiVersion, MinAPIVersion } = (await engine.api('GET', '/version')).json;
    const newest = Number(ApiVersion.split('.')[1]);
    const oldest = Math.max(24, Number(MinAPIVersion.split('.')[1]));
    const id = await engine.sleeping({ ExposedPorts: { '80/tcp': {} } });
    for (let minor = oldest; minor <= newest; minor += 1) {
      const list = await engine.api('GET', `/v1.${minor}/containers/json`);
      assert.equal(list.status, 200, `1.${minor}: ${list.text}`);
      assert.equal(list.json[0].Id, id);
      const inspected = await engine.api('GET', `/v1.${minor}/containers/${id}/json`);
      assert.equal(inspected.json.State.Running, true);
      assert.equal(inspected.headers['api-version'], ApiVersion);
      for (const url of ['/info', '/version', '/images/json', '/volumes', '/networks', '/system/df']) {
        const answer = await engine.api('GET', `/v1.${minor}${url}`);
        assert.equal(answer.status, 200, `1.${minor} ${url}: ${answer.text}`);
      }
    }
    await engine.remove(id);
  });

  test('a later one than the newest is refused in the words that clients look for', async () => {
    const { ApiVersion } = (await engine.api('GET', '/version')).json;
    const answer = await engine.api('GET', '/v1.999/_ping'.replace('_ping', 'containers/json'));
    assert.equal(answer.status, 400);
    assert.equal(
      answer.json.message,
      `client version 1.999 is too new. Maximum supported API version is ${ApiVersion}`,
    );
  });

  test('an older one than the oldest too', dockerSince('23.0'), async () => {
    const { MinAPIVersion } = (await engine.api('GET', '/version')).json;
    const answer = await engine.api('GET', '/v1.10/containers/json');
    assert.equal(answer.status, 400);
    assert.equal(
      answer.json.message,
      `client version 1.10 is too old. Minimum supported API version is ${MinAPIVersion}, please upgrade your client to a newer version`,
    );
  });

  for (const version of ['1.24', '1.30', '1.40', '1.41', '1.44', '1.47', '1.49']) {
    test(`the stock client speaks ${version}`, version > '1.41' ? dockerSince('25.0') : {}, async () => {
      const env = { DOCKER_API_VERSION: version };
      const out = await engine.daemon.docker(['run', '--rm', 'busybox', 'echo', version], { env });
      // Newer clients refuse the oldest versions themselves.
      if (/too old|is too low|Minimum supported API version/.test(out.stderr)) return;
      assert.deepEqual([out.code, out.stdout], [0, `${version}\n`], out.stderr);
    });
  }
});

test('version names its parts', async () => {
  const { json } = await engine.api('GET', '/version');
  for (const key of ['Version', 'ApiVersion', 'MinAPIVersion', 'Os', 'Arch', 'KernelVersion']) {
    assert.ok(json[key], key);
  }
  assert.ok(json.Components.some((part: { Name: string }) => part.Name === 'Engine'));
});

test('info counts and describes', async () => {
  const running = await engine.sleeping();
  const stopped = await engine.create();
  const { json } = await engine.api('GET', '/info');
  assert.deepEqual(
    [json.Containers, json.ContainersRunning, json.ContainersPaused, json.ContainersStopped, json.Images],
    [2, 1, 0, 1, 1],
  );
  assert.deepEqual(
    [json.OSType, json.DockerRootDir, json.LoggingDriver],
    ['linux', engine.daemon.dataRoot, 'json-file'],
  );
  assert.ok(json.NCPU >= 1 && json.MemTotal > 0 && json.ID && json.KernelVersion && json.DefaultRuntime);
  assert.ok(json.Runtimes[json.DefaultRuntime]);
  assert.ok(json.SecurityOptions.some((option: string) => option.startsWith('name=seccomp')));
  assert.ok(json.Plugins.Volume.includes('local'));
  assert.deepEqual(json.Plugins.Network, ['bridge', 'host', 'ipvlan', 'macvlan', 'null', 'overlay']);
  await engine.remove(running);
  await engine.remove(stopped);
});

test('df counts what is used', async () => {
  const id = await engine.sleeping({ HostConfig: { Binds: ['measured:/m'] } });
  await engine.exec(id, ['sh', '-c', 'head -c 200000 /dev/zero > /m/f; head -c 300000 /dev/zero > /root/f']);
  const { json } = await engine.api('GET', '/v1.41/system/df');
  assert.equal(json.Images.length, 1);
  assert.ok(json.LayersSize > 500_000);
  assert.ok(json.Containers[0].SizeRw >= 300_000);
  const volume = json.Volumes.find((v: { Name: string }) => v.Name === 'measured');
  assert.ok(volume.UsageData.Size >= 200_000 && volume.UsageData.RefCount === 1);
  await engine.remove(id);
  await engine.api('DELETE', '/volumes/measured');
});

test('what is not there yet says so by name', wharfOnly(), async () => {
  for (const [method, url, body] of [
    ['POST', '/swarm/init', { ListenAddr: '0.0.0.0' }],
    ['POST', '/build?version=2', undefined],
  ] as const) {
    const answer = await engine.api(method, url, body);
    assert.equal(answer.status, 501, `${method} ${url}: ${answer.text}`);
    assert.ok(answer.json.message.length > 10);
  }
});

describe('the connection', () => {
  test('serves request after request, and several written at once', async () => {
    const one = 'GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n';
    const text = await exchange(
      engine.daemon.socket,
      one + one + one.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'),
    );
    assert.equal(text.split('HTTP/1.1 200 OK').length - 1, 3);
  });

  test('takes a body in chunks and by 100-continue', async () => {
    const body = '{"Name":"chunked"}';
    const head = 'POST /volumes/create HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n';
    const chunked = `${head}Transfer-Encoding: chunked\r\n\r\n5\r\n${body.slice(0, 5)}\r\n${(body.length - 5).toString(16)}\r\n${body.slice(5)}\r\n0\r\n\r\n`;
    assert.match(await exchange(engine.daemon.socket, chunked), /^HTTP\/1.1 201 /);
    const expecting = `${head}Expect: 100-continue\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    assert.match(await exchange(engine.daemon.socket, expecting), /^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 201 /);
    await engine.api('DELETE', '/volumes/chunked');
  });

  test('keys of any case, unknown keys and nulls are taken as Go takes them', async () => {
    const answer = await engine.api('POST', '/containers/create', {
      image: 'busybox',
      CMD: ['true'],
      Unknown: { a: 1 },
      Env: null,
      HostConfig: { Binds: null, memory: 0, RestartPolicy: { Name: '' } },
    });
    assert.equal(answer.status, 201, answer.text);
    await engine.remove(answer.json.Id);
  });
});
