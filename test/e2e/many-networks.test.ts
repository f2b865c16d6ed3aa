import assert from 'node:assert/strict';
import { test } from 'node:test';
import { useDaemon } from '../harness/fixture.ts';
import { wharfOnly } from '../harness/target.ts';

const engine = useDaemon();

/** How many networks; 4,097 is the promise, a hundred show what they cost. dockerd ends at 31. */
const count = Number(process.env.WHARF_TEST_NETWORKS ?? 120);

interface Inspected {
  readonly Name: string;
  readonly IPAM: { readonly Config: readonly { readonly Subnet: string; readonly Gateway: string }[] };
}

async function create(index: number): Promise<void> {
  const { status, text } = await engine.api('POST', '/networks/create', { Name: `many-${index}` });
  assert.equal(status, 201, text);
}

async function ownNetworks(): Promise<Inspected[]> {
  const all: Inspected[] = (await engine.api('GET', '/networks')).json;
  return all.filter(({ Name }) => Name.startsWith('many-'));
}

test(`each of ${count} networks has a subnet of its own, and the last one works`, wharfOnly(), async () => {
  for (let index = 0; index < count; index++) await create(index);
  const subnets = (await ownNetworks()).flatMap(({ IPAM }) => IPAM.Config.map(({ Subnet }) => Subnet));
  assert.equal(new Set(subnets).size, count);
  const last = `many-${count - 1}`;
  const server = await engine.create({ Cmd: ['sleep', '1000'], HostConfig: { NetworkMode: last } }, 'server');
  await engine.start(server);
  const { stdout, stderr } = await engine.run({ Cmd: ['ping', '-c1', 'server'], HostConfig: { NetworkMode: last } });
  assert.match(stdout, /1 packets received/, stderr);
  await engine.remove('server');
});

test('a daemon that is killed has them all again, and gives no subnet twice', wharfOnly(), async () => {
  const before = await ownNetworks();
  await engine.daemon.kill();
  await engine.daemon.start();
  assert.deepEqual(await ownNetworks(), before);
  await create(count);
  const all = await ownNetworks();
  assert.equal(new Set(all.map(({ IPAM }) => IPAM.Config[0]?.Subnet)).size, count + 1);
});

test('a subnet that others route meanwhile is left out', wharfOnly(), async () => {
  const subnetOf = async (index: number) => {
    return (await ownNetworks()).find(({ Name }) => Name === `many-${index}`)?.IPAM.Config[0]?.Subnet;
  };
  const [first, second, third] = (await subnetOf(count))!.split('.').map(Number);
  const next = (steps: number) => `${first}.${second! + ((third! + steps) >> 8)}.${(third! + steps) & 255}.0/24`;
  const run = async (...command: string[]) => {
    const { code, stderr } = await engine.daemon.sandbox.run(command);
    assert.equal(code, 0, stderr);
  };
  // Through a bridge of ours, on which only its own subnet makes no difference.
  const [{ IPAM }] = (await ownNetworks()) as [Inspected];
  await run('ip', 'route', 'add', next(1), 'via', IPAM.Config[0]!.Gateway.replace(/1$/, '9'));
  await create(count + 1);
  await run('ip', 'route', 'del', next(1));
  await create(count + 2);
  assert.equal(await subnetOf(count + 1), next(2));
  assert.equal(await subnetOf(count + 2), next(1));
});
