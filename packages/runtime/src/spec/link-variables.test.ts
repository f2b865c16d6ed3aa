import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linkVariables } from './link-variables.ts';

function check(ports: string[], environment: string[], expected: string[]): void {
  const variables = linkVariables({ alias: 'a-b', name: '/c/a-b', address: '1.2.3.4', ports, environment });
  assert.deepEqual(variables, expected);
}

test('no ports: the name, and its variables but HOME and PATH', () => {
  check([], ['HOME=/', 'PATH=/bin', 'A=b=c', 'removed'], ['A_B_NAME=/c/a-b', 'A_B_ENV_A=b=c']);
});

test('the lowest port is the main one, tcp before udp', () => {
  check(
    ['53/udp', '53/tcp'],
    [],
    [
      'A_B_PORT=tcp://1.2.3.4:53',
      'A_B_PORT_53_TCP=tcp://1.2.3.4:53',
      'A_B_PORT_53_TCP_ADDR=1.2.3.4',
      'A_B_PORT_53_TCP_PORT=53',
      'A_B_PORT_53_TCP_PROTO=tcp',
      'A_B_PORT_53_UDP=udp://1.2.3.4:53',
      'A_B_PORT_53_UDP_ADDR=1.2.3.4',
      'A_B_PORT_53_UDP_PORT=53',
      'A_B_PORT_53_UDP_PROTO=udp',
      'A_B_NAME=/c/a-b',
    ],
  );
});

test('ports in a row are a range as well', () => {
  const variables = linkVariables({
    alias: 'x',
    name: '/c/x',
    address: '1.2.3.4',
    ports: ['82/tcp', '81/tcp', '80/tcp', '90/tcp', '91/tcp'],
    environment: [],
  });
  assert.deepEqual(
    variables.filter((entry) => /START|END/.test(entry)),
    [
      'X_PORT_80_TCP_START=tcp://1.2.3.4:80',
      'X_PORT_80_TCP_PORT_START=80',
      'X_PORT_80_TCP_END=tcp://1.2.3.4:82',
      'X_PORT_80_TCP_PORT_END=82',
    ],
  );
});
