import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { busyboxImage } from '../fixtures/image.ts';
import { makeCertificates } from '../harness/certificates.ts';
import { useDaemon } from '../harness/fixture.ts';
import { useSandboxRegistry } from '../harness/sandbox-registry.ts';
import { wharfOnly } from '../harness/target.ts';

/** Registries reached by what the daemon is told of them. None is on 127.0.0.1, where nothing is verified. */

const address = '10.99.0.1';
const secure = `${address}:5443`;
const clear = `${address}:5080`;
const unlisted = `${address}:5081`;
const directory = mkdtempSync(join(tmpdir(), 'wharf-hosts-'));
const hosts = join(directory, 'certs.d');
after(() => rmSync(directory, { recursive: true, force: true }));

const { skip } = wharfOnly();
const engine = useDaemon(
  skip
    ? {}
    : {
        flags: [
          ...['--registry-hosts-dir', hosts, '--insecure-registry', clear, '--registry-mirror', `http://${clear}`],
          ...['--registry-prefix-mirror', `gone.example/team=http://${clear}/cache`],
        ],
      },
);
before(() => engine.daemon.sandbox.run(['ip', 'address', 'add', `${address}/32`, 'dev', 'lo']));
before(() => makeCertificates(directory, address));

const configuration = () => ({
  http: {
    addr: secure,
    tls: {
      certificate: join(directory, 'server.pem'),
      key: join(directory, 'server-key.pem'),
      clientcas: [join(directory, 'ca.pem')],
    },
  },
});
const registry = useSandboxRegistry(engine, { address, port: 5080, configuration: () => ({}) });
useSandboxRegistry(engine, { address, port: 5081, configuration: () => ({}) });
const guarded = useSandboxRegistry(engine, { address, port: 5443, configuration });

/** The daemon reads what lies there with each pull. */
function hostDirectory(host: string, files: Readonly<Record<string, string>>, hostsFile?: string): void {
  const path = join(hosts, host);
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path, { recursive: true });
  for (const [name, from] of Object.entries(files)) cpSync(join(directory, from), join(path, name));
  if (hostsFile !== undefined) writeFileSync(join(path, 'hosts.toml'), hostsFile);
}

async function pull(name: string): Promise<string> {
  const [, image, tag] = /^(.*):([^:/]+)$/.exec(name)!;
  const { status, text } = await engine.api('POST', `/images/create?fromImage=${image}&tag=${tag}`);
  const last = JSON.parse(text.trim().split('\r\n').at(-1)!);
  return status === 200 ? (last.error ?? last.status) : last.message;
}

describe('a registry with certificates of its own', wharfOnly(), () => {
  const authority = { 'authority.crt': 'ca.pem' };
  const client = { 'client.cert': 'client.pem', 'client.key': 'client-key.pem' };

  test('is not believed without its authority', async () => {
    hostDirectory(secure, client);
    assert.match(
      await pull(`${secure}/app:1`),
      /tls: failed to verify certificate: x509: certificate signed by unknown/,
    );
  });

  test('refuses who has no certificate', async () => {
    hostDirectory(secure, authority);
    assert.match(
      await pull(`${secure}/app:1`),
      /^Get "https:\/\/10\.99\.0\.1:5443\/v2\/.*": remote error: tls: .* client certificate/,
    );
  });

  test('says which half of a pair is missing', async () => {
    hostDirectory(secure, { ...authority, 'client.cert': 'client.pem' });
    assert.match(await pull(`${secure}/app:1`), /^missing key client\.key for client certificate client\.cert/);
    hostDirectory(secure, { ...authority, 'client.key': 'client-key.pem' });
    assert.match(await pull(`${secure}/app:1`), /^missing client certificate client\.cert for key client\.key/);
  });

  test('is pulled from with all three, without a restart', async () => {
    mkdirSync(join(directory, 'skopeo'));
    for (const [name, from] of Object.entries({ ...authority, ...client })) {
      cpSync(join(directory, from), join(directory, 'skopeo', name));
    }
    await guarded.copy(busyboxImage('app:1'), 'app:1', '--dest-cert-dir', join(directory, 'skopeo'));
    hostDirectory(secure, { ...authority, ...client });
    assert.equal(await pull(`${secure}/app:1`), `Status: Downloaded newer image for ${secure}/app:1`);
    const { stdout } = await engine.sh('echo ran', { Image: `${secure}/app:1` });
    assert.equal(stdout, 'ran\n');
    assert.deepEqual(readdirSync(hosts), [secure]);
  });
});

describe('a registry in the clear', wharfOnly(), () => {
  test('is refused unless it is named', async () => {
    assert.match(
      await pull(`${unlisted}/app:1`),
      /^Get "https:\/\/10\.99\.0\.1:5081\/v2\/.*": http: server gave HTTP response to HTTPS client/,
    );
  });

  test('is pulled from when it is', async () => {
    await registry.copy(busyboxImage('app:1'), 'app:1');
    assert.equal(await pull(`${clear}/app:1`), `Status: Downloaded newer image for ${clear}/app:1`);
  });
});

describe('mirrors', wharfOnly(), () => {
  const mirrored: [what: string, name: string, at: string][] = [
    ["of Docker Hub give its images, the library's too", 'from-hub:1', 'library/from-hub:1'],
    ['of a prefix give what has it', 'gone.example/team/tools/app:2', 'cache/tools/app:2'],
    ['in hosts.toml give what their host has', 'other.example:9/x/app:3', 'x/app:3'],
  ];
  for (const [what, name, at] of mirrored) {
    test(what, async () => {
      hostDirectory('other.example:9', {}, `[host."http://${clear}"]\n  capabilities = ["pull", "resolve"]\n`);
      await registry.copy(busyboxImage(at), at);
      assert.equal(await pull(name), `Status: Downloaded newer image for ${name}`);
      const { json } = await engine.api('GET', `/images/${name}/json`);
      assert.ok(json.RepoTags.includes(name), json.RepoTags);
      assert.ok(json.RepoDigests.includes(`${name.replace(/:\d$/, '')}@${json.Id}`), json.RepoDigests);
    });
  }

  test('that do not have it leave the word to the registry itself', async () => {
    assert.match(await pull('gone.example/team/absent:1'), /^Get "https:\/\/gone\.example\/v2\/.*no such host$/);
  });
});
