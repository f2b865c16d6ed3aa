import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { useDaemon } from '../harness/fixture.ts';

const engine = useDaemon();

async function createNetwork(request: Record<string, unknown>): Promise<string> {
  const answer = await engine.api('POST', '/networks/create', request);
  assert.equal(answer.status, 201, answer.text);
  return answer.json.Id;
}

describe('configuration networks', () => {
  test('hold what the networks made from them are', async () => {
    const Config = [{ Subnet: '10.9.0.0/24' }];
    const labels = { purpose: 'test' };
    await createNetwork({ Name: 'config', ConfigOnly: true, IPAM: { Config }, Labels: labels });
    await createNetwork({ Name: 'made', Driver: 'bridge', ConfigFrom: { Network: 'config' } });
    const made = (await engine.api('GET', '/networks/made')).json;
    assert.deepEqual([made.Driver, made.ConfigFrom, made.ConfigOnly], ['bridge', { Network: 'config' }, false]);
    assert.deepEqual([made.IPAM.Config[0].Subnet, made.Labels], ['10.9.0.0/24', labels]);
    const config = (await engine.api('GET', '/networks/config')).json;
    assert.deepEqual([config.Driver, config.ConfigOnly, config.IPAM.Config], ['null', true, Config]);
    const id = await engine.started({ Cmd: ['sleep', '60'], HostConfig: { NetworkMode: 'made' } });
    const { Networks } = (await engine.inspect(id)).NetworkSettings;
    assert.match(Networks.made.IPAddress, /^10\.9\.0\./);
    const busy = await engine.api('DELETE', '/networks/config');
    assert.deepEqual(
      [busy.status, busy.json.message],
      [403, 'error while removing network: configuration network "config" is in use'],
    );
    await engine.api('DELETE', `/containers/${id}?force=1`);
    await engine.api('POST', '/networks/prune');
    assert.equal((await engine.api('GET', '/networks/made')).status, 404);
    assert.equal((await engine.api('DELETE', '/networks/config')).status, 204);
  });

  const from = { ConfigFrom: { Network: 'source' } };
  const both = 'user specified configurations are not supported if the network depends on a configuration network';
  const refused: readonly (readonly [what: string, request: object, status: number, message: string])[] = [
    ['an unknown source', { ConfigFrom: { Network: 'absent' } }, 404, 'configuration network "absent" does not exist'],
    [
      'a source that is none',
      { ConfigFrom: { Network: 'bridge' } },
      404,
      'configuration network "bridge" does not exist',
    ],
    ['addresses beside a source', { ...from, IPAM: { Config: [{ Subnet: '10.8.0.0/24' }] } }, 403, both],
    ['labels beside a source', { ...from, Labels: { a: 'b' } }, 403, both],
    [
      'options beside a source',
      { ...from, Options: { a: 'b' } },
      403,
      'network driver options are not supported if the network depends on a configuration network',
    ],
    [
      'a source of a source',
      { ...from, ConfigOnly: true },
      403,
      'a configuration network cannot depend on another configuration network',
    ],
    [
      'an internal one',
      { ConfigOnly: true, Internal: true },
      403,
      'configuration network can only contain network specific fields. Network operator fields like [ ingress | internal | attachable | scope ] are not supported.',
    ],
  ];
  for (const [what, request, status, message] of refused) {
    test(`refuse ${what}`, async () => {
      await createNetwork({ Name: 'source', ConfigOnly: true });
      const answer = await engine.api('POST', '/networks/create', { Name: 'refused', Driver: 'bridge', ...request });
      assert.deepEqual([answer.status, answer.json.message], [status, message]);
      await engine.api('DELETE', '/networks/source');
    });
  }

  test('are no network for a container', async () => {
    await createNetwork({ Name: 'source', ConfigOnly: true });
    const { code, stderr } = await engine.daemon.docker(['run', '--rm', '--network', 'source', 'busybox', 'true']);
    assert.equal(code, 125);
    assert.match(stderr, /cannot create endpoint on configuration-only network/);
    await engine.api('DELETE', '/networks/source');
  });
});
