import assert from 'node:assert/strict';
import { join } from 'node:path';
import { run } from './run.ts';

/** An authority, and what it certifies: a server of that address and a client. */
export async function makeCertificates(where: string, address: string): Promise<void> {
  const openssl = async (...args: string[]) => {
    const { code, stderr } = await run(['openssl', ...args]);
    assert.equal(code, 0, stderr);
  };
  const at = (name: string) => join(where, name);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  await openssl('req', '-x509', ...key, '-keyout', at('ca-key.pem'), '-out', at('ca.pem'), '-subj', '/CN=authority');
  for (const [name, extension] of [
    ['server', `subjectAltName=IP:${address}`],
    ['client', 'extendedKeyUsage=clientAuth'],
  ] as const) {
    const authority = ['-CA', at('ca.pem'), '-CAkey', at('ca-key.pem')];
    const out = ['-keyout', at(`${name}-key.pem`), '-out', at(`${name}.pem`), '-subj', `/CN=${name}`];
    await openssl('req', '-x509', ...key, ...authority, ...out, '-addext', extension);
  }
}
