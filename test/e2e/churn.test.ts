import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { useDaemon } from '../harness/fixture.ts';
import { target, wharfOnly } from '../harness/target.ts';

const engine = useDaemon();

/** How many connects and disconnects; the promise is 2,000. */
const rounds = Number(process.env.WHARF_TEST_CHURN ?? (target === 'docker' ? 60 : 300));
const networkNames = Array.from({ length: 50 }, (_, index) => `churn-${index}`);
const containerNames = Array.from({ length: 8 }, (_, index) => `mover-${index}`);

interface Endpoint {
  readonly IPAddress: string;
  readonly MacAddress: string;
}

/** The same numbers in every run. */
function* random(seed: number): Generator<number> {
  for (let state = seed; ; ) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    yield state / 2 ** 32;
  }
}

const numbers = random(20_261_126);
const pick = <T>(list: readonly T[]): T => list[Math.floor(numbers.next().value * list.length)]!;

/** The networks of each container, as the answers of the daemon made them. */
const attached = new Map(containerNames.map((name) => [name, new Set<string>()]));

async function churn(count: number, moved: (left: number) => void = () => {}): Promise<void> {
  const busy = new Set<string>();
  let left = count;
  const worker = async () => {
    while (left-- > 0) {
      const container = pick(containerNames.filter((name) => !busy.has(name)));
      busy.add(container);
      await move(container).finally(() => busy.delete(container));
      moved(left);
    }
  };
  await Promise.all(Array.from({ length: 4 }, worker));
}

async function move(container: string): Promise<void> {
  const mine = attached.get(container)!;
  const network = pick(networkNames);
  const verb = mine.has(network) || mine.size >= 12 ? 'disconnect' : 'connect';
  const subject = verb === 'disconnect' && !mine.has(network) ? [...mine][0]! : network;
  const answer = await engine.api('POST', `/networks/${subject}/${verb}`, { Container: container });
  assert.equal(answer.status, 200, `${verb} ${subject} ${container}: ${answer.text}`);
  if (verb === 'connect') mine.add(subject);
  else mine.delete(subject);
}

async function endpointsOf(container: string): Promise<Record<string, Endpoint>> {
  return (await engine.api('GET', `/containers/${container}/json`)).json.NetworkSettings.Networks;
}

/** What the daemon says is what the kernel has, and nobody has another's address. */
async function assertConverged(): Promise<void> {
  const owners = new Map<string, string>();
  for (const container of containerNames) {
    const endpoints = await endpointsOf(container);
    const { stdout } = await engine.daemon.docker(['exec', container, 'ip', '-4', '-o', 'addr']);
    const inside = [...stdout.matchAll(/eth\d+ +inet ([\d.]+)\//g)].map(([, address]) => address!);
    const told = Object.values(endpoints).map(({ IPAddress }) => IPAddress);
    assert.deepEqual(inside.toSorted(), told.toSorted(), container);
    for (const [network, { IPAddress }] of Object.entries(endpoints)) {
      const key = `${network} ${IPAddress}`;
      assert.equal(owners.get(key), undefined, `${key} is given twice`);
      owners.set(key, container);
    }
  }
}

async function assertReachable(): Promise<void> {
  const [network] = networkNames;
  for (const container of containerNames.slice(0, 2)) {
    if (!(network! in (await endpointsOf(container)))) {
      assert.equal((await engine.api('POST', `/networks/${network}/connect`, { Container: container })).status, 200);
    }
  }
  const [one, other] = containerNames;
  const ping = await engine.daemon.docker(['exec', one!, 'ping', '-c1', '-W3', other!]);
  assert.equal(ping.code, 0, ping.stdout + ping.stderr);
}

/** Ends the traffic. All that was sent was answered, but perhaps what was under way at the end. */
async function assertNothingLost(): Promise<void> {
  await engine.api('POST', '/containers/traffic/kill?signal=INT');
  await engine.api('POST', '/containers/traffic/wait');
  const { stdout } = await engine.daemon.docker(['logs', 'traffic']);
  const answered = [...stdout.matchAll(/ seq=(\d+) /g)].map(([, sequence]) => Number(sequence));
  assert.deepEqual(answered, [...answered.keys()]);
  const sent = Number(/(\d+) packets transmitted/.exec(stdout)?.[1]);
  assert.ok(sent > 0 && sent - answered.length <= 1, stdout);
}

async function startTraffic(): Promise<void> {
  const cmd = ['ping', '-i', '0.1', 'steady'];
  const id = await engine.create({ Cmd: cmd, HostConfig: { NetworkMode: 'calm' } }, 'traffic');
  await engine.start(id);
}

before(async () => {
  for (const [index, Name] of [...networkNames, 'calm'].entries()) {
    const IPAM = { Config: [{ Subnet: `10.200.${index}.0/24` }] };
    assert.equal((await engine.api('POST', '/networks/create', { Name, IPAM })).status, 201);
  }
  const sleeper = { Cmd: ['sleep', '100000'], StopSignal: 'SIGKILL' };
  for (const name of containerNames) await engine.start(await engine.create(sleeper, name));
  await engine.start(await engine.create({ ...sleeper, HostConfig: { NetworkMode: 'calm' } }, 'steady'));
});

describe('containers that come to networks and leave them', () => {
  test(`${rounds} times: every address is one container's, and traffic beside it loses nothing`, async () => {
    await startTraffic();
    await churn(rounds);
    await assertConverged();
    await assertReachable();
    await assertNothingLost();
    await engine.remove('traffic');
  });

  test('through the death of the daemon in the middle of it', wharfOnly(), async () => {
    await startTraffic();
    const inTheMiddle = Promise.withResolvers<void>();
    const interrupted = churn(rounds, (left) => left < rounds / 2 && inTheMiddle.resolve()).catch(() => undefined);
    await inTheMiddle.promise;
    await engine.daemon.kill();
    await interrupted;
    await engine.daemon.start();
    await assertConverged();
    for (const name of containerNames) attached.set(name, new Set(Object.keys(await endpointsOf(name))));
    for (const names of attached.values()) names.delete('bridge');
    await churn(50);
    await assertConverged();
    await assertReachable();
    await assertNothingLost();
    await engine.remove('traffic');
  });

  test('through a flush of all rules', wharfOnly(), async () => {
    const flush = async () => assert.equal((await engine.daemon.sandbox.run(['nft', 'flush', 'ruleset'])).code, 0);
    await flush();
    await Promise.all([churn(60), flush()]);
    await assertConverged();
    await assertReachable();
    const tables = (await engine.daemon.sandbox.run(['nft', 'list', 'tables'])).stdout;
    assert.match(tables, /table inet wharf/);
  });
});
