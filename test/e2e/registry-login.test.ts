import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { busyboxImage } from '../fixtures/image.ts';
import { useDaemon } from '../harness/fixture.ts';
import { useSandboxRegistry } from '../harness/sandbox-registry.ts';
import { comparedDocker, wharfOnly } from '../harness/target.ts';

const engine = useDaemon();
const registry = useSandboxRegistry(engine, {
  port: 5001,
  configuration: (directory) => {
    const path = join(directory, 'htpasswd');
    writeFileSync(path, `alice:${Bun.password.hashSync('secret', { algorithm: 'bcrypt', cost: 4 })}\n`);
    return { auth: { htpasswd: { realm: 'test', path } } };
  },
});

/** A client's home, empty at first. */
function newConfig(client: string): { directory: string; file: string; env: Record<string, string> } {
  const directory = join(engine.daemon.sandbox.directory, `config-${client}`);
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory);
  return { directory, file: join(directory, 'config.json'), env: { DOCKER_CONFIG: directory } };
}

for (const client of ['docker', 'wharf'] as const) {
  describe(`${client} and a registry that knows its users`, client === 'wharf' ? wharfOnly() : comparedDocker(), () => {
    test('login, push, pull, logout', async () => {
      const { file, env } = newConfig(client);
      const call = (args: string[], stdin?: string) =>
        engine.daemon[client](args, { env, ...(stdin !== undefined && { stdin }) });
      const wrong = await call(['login', '-u', 'alice', '--password-stdin', registry.host], 'wrong\n');
      assert.equal(wrong.code, 1);
      assert.match(wrong.stderr, /127\.0\.0\.1:5001\/v2\/.*(unauthorized: authentication required|401 Unauthorized)/);
      assert.ok(!existsSync(file));
      await engine.api('POST', `/images/busybox/tag?repo=${registry.host}/private&tag=${client}`);
      const name = `${registry.host}/private:${client}`;
      const denied = await call(['push', name]);
      assert.equal(denied.code, 1);
      assert.match(denied.stderr, /no basic auth credentials|authentication required/);
      const right = await call(['login', '-u', 'alice', '--password-stdin', registry.host], 'secret\n');
      assert.equal(right.code, 0, right.stderr);
      assert.match(right.stdout, /Login Succeeded\n$/);
      assert.match(right.stderr + right.stdout, /credentials (are|will be) stored unencrypted in '.*config\.json'/);
      const auth = Buffer.from('alice:secret').toString('base64');
      assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')).auths[registry.host], { auth });
      const pushed = await call(['push', name]);
      assert.equal(pushed.code, 0, pushed.stderr);
      assert.match(pushed.stdout, new RegExp(`^${client}: digest: sha256:[0-9a-f]{64} size: \\d+$`, 'm'));
      assert.equal((await call(['rmi', name])).code, 0);
      assert.equal((await call(['pull', '-q', name])).stdout, `${name}\n`);
      const again = await call(['login', registry.host]);
      assert.equal(again.code, 0, again.stderr);
      assert.match(again.stderr, /^Authenticating with existing credentials\.\.\. \[Username: alice\]/);
      assert.equal(again.stdout, 'Login Succeeded\n');
      const out = await call(['logout', registry.host]);
      assert.equal(out.stdout, `Removing login credentials for ${registry.host}\n`);
      assert.equal(JSON.parse(readFileSync(file, 'utf8')).auths?.[registry.host], undefined);
      await call(['rmi', name]);
      const refused = await call(['pull', name]);
      assert.equal(refused.code, 1);
    });

    test('a credential helper keeps the password', async () => {
      const { directory, file, env } = newConfig(client);
      const helper = join(directory, 'docker-credential-test');
      writeFileSync(
        helper,
        `#!/bin/sh\ncase $1 in store) cat > ${directory}/kept ;; erase) rm -f ${directory}/kept ;;\n` +
          `get) cat ${directory}/kept 2>/dev/null || { echo credentials not found in native keychain; exit 1; } ;; esac\n`,
      );
      chmodSync(helper, 0o755);
      writeFileSync(file, '{"credsStore":"test","psFormat":"x"}');
      const options = { env: { ...env, PATH: `${directory}:${process.env.PATH}` } };
      const call = (args: string[], stdin = '') => engine.daemon[client](args, { ...options, stdin });
      const login = await call(['login', '-u', 'alice', '--password-stdin', registry.host], 'secret');
      assert.equal(login.code, 0, login.stderr);
      assert.doesNotMatch(login.stderr, /unencrypted/);
      assert.equal(JSON.parse(readFileSync(join(directory, 'kept'), 'utf8')).Secret, 'secret');
      const written = readFileSync(file, 'utf8');
      assert.doesNotMatch(written, /secret/);
      assert.equal(JSON.parse(written).psFormat, 'x');
      await registry.copy(busyboxImage('x:1'), 'helped:1', '--dest-creds', 'alice:secret');
      assert.equal((await call(['pull', '-q', `${registry.host}/helped:1`])).code, 0);
      assert.equal((await call(['logout', registry.host])).code, 0);
      assert.ok(!existsSync(join(directory, 'kept')));
    });

    test('what cannot be asked is refused', async () => {
      const { env } = newConfig(client);
      const call = (args: string[]) => engine.daemon[client](args, { env, stdin: '' });
      const noName = await call(['login', '--password-stdin', registry.host]);
      assert.match(noName.stderr, /the --password-stdin option requires --username to be set/);
      const noTerminal = await call(['login', registry.host]);
      assert.match(noTerminal.stderr, /Cannot perform an interactive login from a non TTY device/);
    });
  });
}
