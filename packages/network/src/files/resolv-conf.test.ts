import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bridgeResolvConf, embeddedResolvConf, hostResolvConf, parseResolvConf } from './resolv-conf.ts';

const host = parseResolvConf(`
# comment
nameserver 127.0.0.53
nameserver 192.0.2.53 # trailing
nameserver not-an-address
nameserver fe80::1%eth0
search corp.example lan
options edns0 trust-ad
`);
const nothing = { dns: [], dnsSearch: [], dnsOptions: [] };
const body = (text: string) => text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

describe('resolv.conf', () => {
  test('is parsed leniently', () => {
    assert.deepEqual(host, {
      nameservers: ['127.0.0.53', '192.0.2.53', 'fe80::1%eth0'],
      search: ['corp.example', 'lan'],
      options: ['edns0', 'trust-ad'],
    });
  });

  test('of the default bridge leaves the host’s loopback out', () => {
    assert.deepEqual(body(bridgeResolvConf(host, nothing)), [
      'nameserver 192.0.2.53',
      'search corp.example lan',
      'options edns0 trust-ad',
    ]);
    const local = parseResolvConf('nameserver 127.0.0.1');
    assert.deepEqual(body(bridgeResolvConf(local, nothing)), ['nameserver 8.8.8.8', 'nameserver 8.8.4.4']);
  });

  test('of a user-defined network names the embedded server, and keeps a chosen ndots', () => {
    assert.deepEqual(body(embeddedResolvConf(host, nothing)), [
      'nameserver 127.0.0.11',
      'search corp.example lan',
      'options edns0 trust-ad ndots:0',
    ]);
    const chosen = { dns: ['192.0.2.1'], dnsSearch: ['.'], dnsOptions: ['ndots:3'] };
    assert.deepEqual(body(embeddedResolvConf(host, chosen)), ['nameserver 127.0.0.11', 'options ndots:3']);
  });

  test('takes what the user set, loopback too', () => {
    const chosen = { dns: ['127.0.0.1'], dnsSearch: ['a.example'], dnsOptions: [] };
    assert.deepEqual(body(bridgeResolvConf(host, chosen)), [
      'nameserver 127.0.0.1',
      'search a.example',
      'options edns0 trust-ad',
    ]);
    assert.deepEqual(body(hostResolvConf(host, nothing))[0], 'nameserver 127.0.0.53');
  });
});
