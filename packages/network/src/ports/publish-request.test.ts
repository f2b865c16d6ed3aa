import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PortBinding } from '@wharf/api/network';
import { formatAddress } from '../address.ts';
import { parsePublishRequests } from './publish-request.ts';

function parse(port: string, binding: PortBinding): string {
  const request = { portBindings: { [port]: [binding] }, exposedPorts: [], publishAllPorts: false };
  return parsePublishRequests(request)
    .map(({ transport, containerPort, hostAddress, hostPorts }) => {
      const address = hostAddress ? formatAddress(hostAddress) : 'any';
      return `${address} ${hostPorts ? `${hostPorts.first}-${hostPorts.last}` : 'ephemeral'} to ${containerPort}/${transport}`;
    })
    .join();
}

const good: readonly [port: string, hostIp: string, hostPort: string, expected: string][] = [
  ['80/tcp', '', '8080', 'any 8080-8080 to 80/tcp'],
  ['80', '', '', 'any ephemeral to 80/tcp'],
  ['53/UDP', '127.0.0.1', '0', '127.0.0.1 ephemeral to 53/udp'],
  ['9/sctp', '[::1]', '9', '::1 9-9 to 9/sctp'],
  ['80/tcp', '0.0.0.0', '8000-8010', '0.0.0.0 8000-8010 to 80/tcp'],
];
for (const [port, HostIp, HostPort, expected] of good) {
  test(`${HostIp}:${HostPort}:${port} is ${expected}`, () => assert.equal(parse(port, { HostIp, HostPort }), expected));
}

const bad: readonly [port: string, hostIp: string, hostPort: string, message: string][] = [
  ['80/icmp', '', '8080', 'invalid proto: icmp'],
  ['0/tcp', '', '8080', 'invalid port specification: "0/tcp"'],
  ['web', '', '8080', 'invalid port specification: "web"'],
  ['80/tcp', '', '65536', 'invalid port specification: "65536"'],
  ['80/tcp', '', '8010-8000', 'invalid port specification: "8010-8000"'],
  ['80/tcp', '', '-1', 'invalid port specification: "-1"'],
  ['80/tcp', 'localhost', '80', 'invalid IP address: localhost'],
];
for (const [port, HostIp, HostPort, message] of bad) {
  test(`${HostIp}:${HostPort}:${port} is refused`, () =>
    assert.throws(() => parse(port, { HostIp, HostPort }), { message, code: 'invalid_argument' }));
}

test('publishing all ports adds the exposed ones that nobody bound', () => {
  const requests = parsePublishRequests({
    portBindings: { '80/tcp': [{ HostIp: '', HostPort: '8080' }] },
    exposedPorts: ['80/tcp', '81/tcp'],
    publishAllPorts: true,
  });
  assert.deepEqual(
    requests.map(({ containerPort, hostPorts }) => [containerPort, hostPorts?.first]),
    [
      [80, 8080],
      [81, undefined],
    ],
  );
});
