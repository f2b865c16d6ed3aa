import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseHostSample, parseNetworks } from './sample.ts';

test('stats: the processors of the host', () => {
  const text = 'cpu  10 20 30 40 50 60 70 80 90 100\ncpu0 1 2 3\ncpu1 1 2 3\nintr 5\n';
  assert.deepEqual(parseHostSample(text), { cpuTime: 280 * 1e7, cpus: 2 });
});

test('stats: traffic by interface, without loopback', () => {
  const text = [
    'Inter-|   Receive                                                |  Transmit',
    ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed',
    '    lo:     100       1    0    0    0     0          0         0      100       1    0    0    0     0       0          0',
    '  eth0:1234567       10    1    2    0     0          0         0      890       9    3    4    0     0       0          0',
  ].join('\n');
  assert.deepEqual(parseNetworks(text), {
    eth0: {
      rx_bytes: 1234567,
      rx_packets: 10,
      rx_errors: 1,
      rx_dropped: 2,
      tx_bytes: 890,
      tx_packets: 9,
      tx_errors: 3,
      tx_dropped: 4,
    },
  });
});
