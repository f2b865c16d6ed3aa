import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { useDaemon } from '../harness/fixture.ts';
import { run } from '../harness/run.ts';
import { clientCases } from './client-cases.ts';

const engine = useDaemon();

describe('wharf', () => {
  clientCases(engine, 'wharf');
});

test('contexts are shared with the stock client, both ways', async () => {
  const env = { DOCKER_HOST: undefined };
  const host = `host=unix://${engine.daemon.socket}`;
  for (const [maker, user] of [
    ['wharf', 'docker'],
    ['docker', 'wharf'],
  ] as const) {
    const name = `made-by-${maker}`;
    const made = await engine.daemon[maker](['context', 'create', name, '--docker', host], { env });
    assert.equal(made.code, 0, made.stderr);
    const used = await engine.daemon[user](['--context', name, 'version', '--format', '{{.Server.Os}}'], { env });
    assert.deepEqual([used.code, used.stdout], [0, 'linux\n'], used.stderr);
    assert.equal((await engine.daemon[user](['context', 'use', name], { env })).code, 0);
    assert.equal((await engine.daemon[maker](['context', 'show'], { env })).stdout, `${name}\n`);
    assert.equal((await engine.daemon[maker](['run', '--rm', 'busybox', 'echo', 'hi'], { env })).stdout, 'hi\n');
    assert.equal((await engine.daemon[user](['context', 'use', 'default'], { env })).code, 0);
    assert.equal((await engine.daemon[user](['context', 'rm', name], { env })).code, 0);
  }
});

describe('completion', () => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    test(`for ${shell} is a script that the shell accepts`, async () => {
      const { code, stdout } = await engine.daemon.wharf(['completion', shell]);
      assert.equal(code, 0);
      assert.match(stdout, /wharf/);
      if (shell === 'bash')
        assert.deepEqual(await run(['bash', '-n'], { stdin: stdout }), { code: 0, stdout: '', stderr: '' });
    });
  }

  test('completes containers by name', async () => {
    const id = await engine.sleeping({}, 'completable');
    const script = (await engine.daemon.wharf(['completion', 'bash'])).stdout;
    const asked = `COMP_LINE='wharf stop comp' COMP_POINT=15 COMP_CWORD=2 COMP_WORDS=(wharf stop comp); _wharf; echo "\${COMPREPLY[@]}"`;
    const shell = await run(['bash', '-c', `wharf() { ${engine.daemon.wharfCommand} "$@"; }\n${script}\n${asked}`], {
      env: { DOCKER_HOST: `unix://${engine.daemon.socket}` },
    });
    assert.match(shell.stdout, /completable/, shell.stderr);
    await engine.remove(id);
  });
});
