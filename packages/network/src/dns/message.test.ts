import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formatAddress, parseAddress } from '../address.ts';
import { encodeName, encodeResponse, parseQuery, parseReverseName, recordTypes, responseCodes } from './message.ts';

function query(name: string, { type = recordTypes.a as number, tail = '', additional = 0 } = {}): Buffer {
  const bytes = Buffer.concat([
    Buffer.from('beef01000001000000000000', 'hex'),
    encodeName(name),
    Uint8Array.of(0, type, 0, 1),
    Buffer.from(tail, 'hex'),
  ]);
  bytes.writeUInt16BE(additional, 10);
  return bytes;
}

describe('parseQuery', () => {
  test('reads the name in lower case, the type and the size that EDNS allows', () => {
    const parsed = parseQuery(query('Web.Front'))!;
    assert.deepEqual(
      [parsed.id, parsed.name, parsed.type, parsed.maxUdpLength, parsed.standard],
      [0xbeef, 'web.front', 1, 512, true],
    );
    const edns = parseQuery(query('web', { tail: '00002904d000000000000000', additional: 1 }))!;
    assert.equal(edns.maxUdpLength, 1232);
  });

  const hostile: readonly [what: string, bytes: Buffer][] = [
    ['nothing', Buffer.alloc(0)],
    ['a header alone', query('web').subarray(0, 12)],
    ['a name that never ends', Buffer.concat([query('').subarray(0, 12), Buffer.alloc(300, 1)])],
    ['a label longer than the message', Buffer.concat([query('').subarray(0, 12), Uint8Array.of(63, 97)])],
    ['a compressed name', Buffer.concat([query('').subarray(0, 12), Uint8Array.of(0xc0, 12, 0, 1, 0, 1)])],
    ['a response', Buffer.from(query('web')).fill(0x81, 2, 3)],
    ['two questions', Buffer.from(query('web')).fill(2, 5, 6)],
    ['a question without its class', query('web').subarray(0, -1)],
  ];
  for (const [what, bytes] of hostile) {
    test(`gives no answer to ${what}`, () => assert.equal(parseQuery(bytes), undefined));
  }
});

describe('encodeResponse', () => {
  const addresses = Array.from({ length: 40 }, (_, index) => ({ address: parseAddress(`10.0.0.${index}`)! }));

  test('repeats the question and points its answers there', () => {
    const answer = encodeResponse(parseQuery(query('web'))!, responseCodes.noError, addresses.slice(7, 8));
    assert.equal(
      answer.toString('hex'),
      'beef858000010001000000000377656200000100' + '01c00c000100010000025800040a000007',
    );
  });

  test('sets the truncation bit instead of exceeding what the client takes', () => {
    const answer = encodeResponse(parseQuery(query('web'))!, responseCodes.noError, addresses, 512);
    assert.ok(answer.length <= 512);
    assert.equal(answer.readUInt16BE(2) & 0x0200, 0x0200);
    assert.equal(answer.readUInt16BE(6), 30);
  });
});

const reverse: readonly [name: string, expected: string | undefined][] = [
  ['2.0.17.172.in-addr.arpa', '172.17.0.2'],
  ['256.0.17.172.in-addr.arpa', undefined],
  ['17.172.in-addr.arpa', undefined],
  ['1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa', 'fd00::1'],
  ['example.com', undefined],
];
for (const [name, expected] of reverse) {
  test(`${name} asks about ${expected ?? 'no address'}`, () => {
    const address = parseReverseName(name);
    assert.equal(address && formatAddress(address), expected);
  });
}
