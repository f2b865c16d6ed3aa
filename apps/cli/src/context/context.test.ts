import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { Command } from '../commands/command.ts';
import { command as create } from '../commands/context/create.ts';
import { command as inspect } from '../commands/context/inspect.ts';
import { command as list } from '../commands/context/ls.ts';
import { command as remove } from '../commands/context/rm.ts';
import { command as use } from '../commands/context/use.ts';
import type { Environment } from '../config.ts';
import { parseFlags } from '../flags/parse.ts';
import { createTestCli } from '../test-cli.ts';
import { resolveEndpoint } from './endpoint.ts';

describe('contexts', () => {
  const directory = mkdtempSync(join(tmpdir(), 'wharf-contexts-'));
  after(() => rmSync(directory, { recursive: true }));
  const at = (environment: Partial<Environment> = {}, globals: readonly string[] = []) =>
    createTestCli({ configDirectory: directory, ...environment }, globals);
  const address = async (environment: Partial<Environment>, globals: readonly string[] = []) =>
    (await resolveEndpoint(at(environment, globals).cli)).address.text;
  async function run(command: Command, line: readonly string[], environment: Partial<Environment> = {}) {
    const test = at(environment);
    const { values, positional } = parseFlags(command.flags, line);
    await command.run(test.cli, values, positional);
    return { out: test.out.text, err: test.err.text };
  }
  const pem = join(directory, 'some.pem');
  writeFileSync(pem, 'PEM');

  test('create stores the endpoint and its certificates where docker finds them', async () => {
    const made = await run(create, [
      'far',
      '--docker',
      `host=tcp://far:2376,ca=${pem},skip-tls-verify=true`,
      '--description',
      'next door',
    ]);
    assert.deepEqual(made, { out: 'far\n', err: 'Successfully created context "far"\n' });
    const shown = JSON.parse((await run(inspect, ['far'])).out)[0];
    assert.deepEqual(shown.Endpoints, { docker: { Host: 'tcp://far:2376', SkipTLSVerify: true } });
    assert.deepEqual(shown.TLSMaterial, { docker: ['ca.pem'] });
    // sha256 of the name, as docker's store has it.
    assert.match(shown.Storage.MetadataPath, /\/contexts\/meta\/[0-9a-f]{64}$/);
    const { tls } = await resolveEndpoint(at({ context: 'far' }).cli);
    assert.deepEqual(tls, { verify: false, ca: 'PEM' });
  });

  test('a name is checked and used once', async () => {
    await assert.rejects(run(create, ['far', '--docker', 'host=tcp://x:1']), {
      message: 'context "far" already exists',
    });
    await assert.rejects(run(create, ['default']), { message: '"default" is a reserved context name' });
    await assert.rejects(run(create, ['../x']), /context name "..\/x" is invalid/);
    await assert.rejects(run(create, ['yy', '--docker', 'dream=1']), { message: 'unrecognized config key: dream' });
  });

  test('-H, -c, DOCKER_HOST, DOCKER_CONTEXT and the chosen context, in this order', async () => {
    await run(use, ['far']);
    assert.equal(await address({}), 'tcp://far:2376');
    assert.equal(await address({ context: 'default', host: 'tcp://env:1' }), 'tcp://env:1');
    assert.equal(await address({ host: 'tcp://env:1' }), 'tcp://env:1');
    assert.equal(await address({ host: 'tcp://env:1' }, ['-c', 'far']), 'tcp://far:2376');
    assert.equal(
      await address({ host: 'tcp://env:1', context: 'far' }, ['-H', 'unix:///flag.sock']),
      'unix:///flag.sock',
    );
    await assert.rejects(address({}, ['-H', 'tcp://a:1', '-c', 'far']), /cannot specify both --host and --context/);
    await assert.rejects(
      address({ context: 'nope' }),
      /unable to resolve docker endpoint: context "nope": context not found/,
    );
  });

  test('list marks the one in use; it cannot be removed without force', async () => {
    assert.match((await run(list, [])).out, /^far \* +next door +tcp:\/\/far:2376/m);
    await assert.rejects(run(remove, ['far']), { message: 'context "far" is in use, set -f flag to force remove' });
    assert.deepEqual(await run(remove, ['-f', 'far']), { out: 'far\n', err: '' });
    await assert.rejects(run(remove, ['far']), { message: 'context "far" does not exist' });
    assert.doesNotMatch((await run(list, [])).out, /far/);
  });

  test('certificates that were named must exist', async () => {
    await assert.rejects(
      address({ host: 'tcp://x:1' }, ['--tlsverify', '--tlscacert', '/no/such']),
      /open \/no\/such: no such file/,
    );
    const { tls } = await resolveEndpoint(at({ host: 'tcp://x' }, ['--tlsverify', '--tlscacert', pem]).cli);
    assert.deepEqual(tls, { verify: true, ca: 'PEM' });
  });
});
