import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { busyboxImage, imageArchive } from '../fixtures/image.ts';
import { tar } from '../fixtures/tar.ts';
import { makeCertificates } from '../harness/certificates.ts';
import { useDaemon } from '../harness/fixture.ts';
import { useSandboxRegistry } from '../harness/sandbox-registry.ts';
import { type SandboxServer, startServer } from '../harness/sandbox-server.ts';
import { repository, target, wharfOnly } from '../harness/target.ts';

/** Debian's docker-registry by TLS, where a server of its own gives the tokens, as with Docker Hub. */

const address = '10.99.0.1';
const host = `${address}:5443`;
const tokens = `${address}:5444`;
const metrics = `${address}:5445`;
const directory = mkdtempSync(join(tmpdir(), 'wharf-tokens-'));
const at = (name: string) => join(directory, name);
after(() => rmSync(directory, { recursive: true, force: true }));

const flags = { docker: ['--insecure-registry', '10.99.0.0/16'], wharf: ['--registry-hosts-dir', at('certs.d')] };
const engine = useDaemon({ flags: flags[target] });
let tokenServer: SandboxServer;
before(async () => {
  const { sandbox } = engine.daemon;
  await sandbox.run(['ip', 'address', 'add', `${address}/32`, 'dev', 'lo']);
  await makeCertificates(directory, address);
  mkdirSync(at(`certs.d/${host}`), { recursive: true });
  cpSync(at('ca.pem'), at(`certs.d/${host}/ca.crt`));
  writeFileSync(at('log'), '');
  const script = join(repository, 'test/fixtures/token-server.ts');
  const files = [at('server.pem'), at('server-key.pem'), at('log')];
  tokenServer = await startServer(sandbox, [process.execPath, script, ...tokens.split(':'), ...files], tokens);
});
after(() => tokenServer?.close());
const registry = useSandboxRegistry(engine, {
  address,
  port: 5443,
  configuration: () => ({
    http: {
      addr: host,
      tls: { certificate: at('server.pem'), key: at('server-key.pem') },
      debug: { addr: metrics, prometheus: { enabled: true, path: '/metrics' } },
    },
    auth: {
      token: {
        realm: `https://${tokens}/token`,
        service: 'the registry',
        issuer: 'token-server',
        rootcertbundle: at('ca.pem'),
      },
    },
  }),
});

interface GivenToken {
  readonly user?: string;
  readonly by: string;
  readonly scopes: readonly string[];
}

/** The tokens that were given during `body`. */
async function tokensGiven(body: () => Promise<unknown>): Promise<GivenToken[]> {
  const before = readFileSync(at('log'), 'utf8').length;
  await body();
  const lines = readFileSync(at('log'), 'utf8').slice(before).trimEnd().split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line));
}

const publish = (archive: Buffer, name: string) => {
  mkdirSync(at('skopeo'), { recursive: true });
  cpSync(at('ca.pem'), at('skopeo/ca.crt'));
  return registry.copy(archive, name, '--dest-creds', 'alice:secret', '--dest-cert-dir', at('skopeo'));
};

for (const client of ['docker', 'wharf'] as const) {
  describe(`${client} and a registry with tokens`, client === 'wharf' ? wharfOnly() : {}, () => {
    const config = at(`config-${client}`);
    const call = (args: string[], stdin = '') => engine.daemon[client](args, { env: { DOCKER_CONFIG: config }, stdin });
    const succeed = async (...args: string[]) => {
      const result = await call(args);
      assert.equal(result.code, 0, result.stderr);
      return result.stdout;
    };
    const name = `${host}/team/app:${client}`;

    test('what all may pull comes without a login, by a token of nobody', async () => {
      await publish(busyboxImage('x:1'), `public/app-${client}:1`);
      const given = await tokensGiven(() => succeed('pull', `${host}/public/app-${client}:1`));
      assert.ok(given.every(({ user, by }) => user === undefined && by === 'anonymous'));
      assert.deepEqual(
        new Set(given.flatMap(({ scopes }) => scopes)),
        new Set([`repository:public/app-${client}:pull`]),
      );
    });

    test('what not all may pull is denied', async () => {
      await publish(busyboxImage('x:1'), 'team/app:secret');
      const denied = await call(['pull', `${host}/team/app:secret`]);
      assert.equal(denied.code, 1);
      assert.match(denied.stderr, /pull access denied for \S+\/team\/app, repository does not exist or may require/);
      await succeed('tag', 'busybox', name);
      const pushed = await call(['push', name]);
      assert.equal(pushed.code, 1);
      assert.match(pushed.stderr, /denied: requested access to the resource is denied|authentication required/);
    });

    test('a wrong password is told at login', async () => {
      const wrong = await call(['login', '-u', 'alice', '--password-stdin', host], 'wrong');
      assert.equal(wrong.code, 1);
      assert.match(wrong.stderr, /10\.99\.0\.1:5443\/v2\/.*(unauthorized|401 Unauthorized)/i);
    });

    test('login, push and pull: a token for each thing, and no password is kept', async () => {
      const login = await call(['login', '-u', 'alice', '--password-stdin', host], 'secret');
      assert.equal(login.code, 0, login.stderr);
      assert.match(login.stdout, /Login Succeeded\n$/);
      const kept = JSON.parse(readFileSync(join(config, 'config.json'), 'utf8')).auths[host];
      assert.equal(kept.identitytoken, 'refresh-of-alice');
      assert.doesNotMatch(Buffer.from(kept.auth, 'base64').toString(), /secret/);
      const given = await tokensGiven(() => succeed('push', name));
      assert.ok(
        given.every(({ user, by }) => user === 'alice' && by === 'refresh_token'),
        JSON.stringify(given),
      );
      assert.ok(
        given.some(({ scopes }) => scopes.some((scope) => /^repository:team\/app:(pull,push|push,pull)$/.test(scope))),
      );
      await succeed('rmi', name);
      await succeed('pull', name);
      const elsewhere = `${host}/others/app:1`;
      await succeed('tag', name, elsewhere);
      const refused = await call(['push', elsewhere]);
      assert.equal(refused.code, 1);
      assert.match(refused.stderr, /denied: requested access to the resource is denied/);
    });

    test('a layer of another repository is mounted, with a token for both', async () => {
      const other = `${host}/team/other-${client}:1`;
      await succeed('tag', name, other);
      const given = await tokensGiven(async () => {
        assert.match(await succeed('push', other), /Mounted from team\/app/);
      });
      const names = given.map(({ scopes }) => scopes.map((scope) => scope.split(':')[1]));
      const isForBoth = (asked: (string | undefined)[]) =>
        asked.includes(`team/other-${client}`) && asked.includes('team/app');
      assert.ok(names.some(isForBoth), JSON.stringify(given));
    });

    test('the client itself asks the registry, too', async () => {
      // Where the registry listens.
      const command = client === 'docker' ? ['docker'] : engine.daemon.wharfCommand.split(' ');
      const argv = [...command, 'manifest', 'inspect', '--insecure', name];
      const { stdout, stderr } = await engine.daemon.sandbox.run(argv, { env: { DOCKER_CONFIG: config } });
      assert.equal(stderr, '');
      assert.equal(JSON.parse(stdout).schemaVersion, 2);
    });

    test('after logout it is as before', async () => {
      await succeed('logout', host);
      assert.equal((await call(['pull', `${host}/team/app:secret`])).code, 1);
    });
  });
}

async function blobsSent(): Promise<number> {
  const { stdout } = await engine.daemon.sandbox.run(['curl', '-sf', `http://${metrics}/metrics`]);
  const lines = stdout.split('\n').filter((line) => /^registry_http_requests_total\{.*handler="blob"/.test(line));
  const sent = lines.filter((line) => /method="get"/.test(line) && /code="2/.test(line));
  return sent.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

test('100 pulls at once of images that share layers fetch each blob once', async () => {
  const layer = (file: string) => tar([{ name: file, content: randomBytes(300_000) }]);
  const shared = [layer('a'), layer('b')];
  for (let index = 0; index < 10; index++) {
    await publish(imageArchive('x:1', [...shared, layer(`own-${index}`)]), `public/many:${index}`);
  }
  const before = await blobsSent();
  const given = await tokensGiven(async () => {
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        engine.api('POST', `/images/create?fromImage=${host}/public/many&tag=${index % 10}`),
      ),
    );
    for (const { text } of answers) assert.match(text, /Status: (Downloaded newer image|Image is up to date) for /);
  });
  // Two layers of all, and a layer and a config of each.
  assert.equal((await blobsSent()) - before, 2 + 10 + 10);
  if (target === 'wharf') assert.equal(given.length, 1);
  const { json } = await engine.api('GET', `/images/json?filters={"reference":["${host}/public/many"]}`);
  assert.equal(json.length, 10);
});
