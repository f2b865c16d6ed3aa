import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { copyFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { buildContext } from '../harness/build-context.ts';
import { buildx, withBuildx } from '../harness/buildx.ts';
import { useDaemon } from '../harness/fixture.ts';
import { run } from '../harness/run.ts';

const engine = useDaemon();

const context = (files: Readonly<Record<string, string>>) => buildContext(engine.daemon, files);

/** A value that is nowhere else, in a file of the client. */
function secret(name: string): { value: string; file: string } {
  const value = `${name}-${randomBytes(12).toString('hex')}`;
  return { value, file: join(context({ [name]: `${value}\n` }), name) };
}

async function build(files: Readonly<Record<string, string>>, options: readonly string[], env = {}) {
  return buildx(engine.daemon, ['build', ...options, context(files)], env);
}

async function output(name: string, ...command: string[]): Promise<string> {
  const { stdout, stderr, code } = await engine.daemon.docker(['run', '--rm', name, ...command]);
  assert.equal(code, 0, stderr);
  return stdout;
}

/** Files of the daemon that hold the text, in whatever place. */
async function filesWith(text: string): Promise<string[]> {
  const { stdout } = await run(['grep', '-rlaF', text, engine.daemon.directory]);
  return stdout.split('\n').filter((line) => line !== '');
}

describe('secrets of a build', () => {
  test('a step reads one, and nothing keeps it', withBuildx, async () => {
    const { value, file } = secret('token');
    const files = {
      Dockerfile: `FROM busybox
RUN --mount=type=secret,id=token stat -c '%a %u:%g' /run/secrets/token && wc -c < /run/secrets/token > /length
RUN --mount=type=secret,id=token,target=/etc/own,mode=0444,uid=7,gid=8 stat -c '%a %u:%g' /etc/own
RUN test ! -e /run/secrets && test ! -e /etc/own
`,
    };
    const answer = await build(files, ['-t', 'secret:1', '--secret', `id=token,src=${file}`]);
    assert.equal(answer.code, 0, answer.stderr);
    assert.match(answer.stderr, / 400 0:0\n/);
    assert.match(answer.stderr, / 444 7:8\n/);
    assert.equal(await output('secret:1', 'cat', '/length'), `${value.length + 1}\n`);
    assert.deepEqual(await filesWith(value), []);
  });

  test('a variable of one step', withBuildx, async () => {
    const { value, file } = secret('variable');
    const files = {
      Dockerfile: `FROM busybox
RUN --mount=type=secret,id=v,env=TOKEN echo -n "$TOKEN" | md5sum | cut -c1-32 > /sum
RUN env > /env
`,
    };
    const answer = await build(files, ['-t', 'secret:2', '--secret', `id=v,src=${file}`]);
    assert.equal(answer.code, 0, answer.stderr);
    const sum = execFileSync('md5sum', { input: `${value}\n` })
      .toString()
      .slice(0, 32);
    assert.equal(await output('secret:2', 'cat', '/sum'), `${sum}\n`);
    assert.doesNotMatch(await output('secret:2', 'cat', '/env'), /TOKEN/);
    assert.deepEqual(await filesWith(value), []);
  });

  test('from a variable of the client', withBuildx, async () => {
    const { value } = secret('environment');
    const files = { Dockerfile: 'FROM busybox\nRUN --mount=type=secret,id=MINE wc -c < /run/secrets/MINE > /length\n' };
    const answer = await build(files, ['-t', 'secret:3', '--secret', 'id=MINE'], { MINE: value });
    assert.equal(answer.code, 0, answer.stderr);
    assert.equal(await output('secret:3', 'cat', '/length'), `${value.length}\n`);
  });

  test('a step that prints one shows no more than that', withBuildx, async () => {
    const { value, file } = secret('printed');
    const files = {
      Dockerfile:
        'FROM busybox\nRUN --mount=type=secret,id=p cat /run/secrets/p && echo after && cat /run/secrets/p >&2 && exit 3\n',
    };
    const { code, stderr } = await build(files, ['--secret', `id=p,src=${file}`]);
    assert.equal(code, 1);
    assert.match(stderr, /\*\*\*\*\n(.*\n)*.*after\n/);
    assert.ok(!stderr.includes(value), stderr);
    assert.deepEqual(await filesWith(value), []);
  });

  test('another value is the same step to the cache', withBuildx, async () => {
    const files = { Dockerfile: 'FROM busybox\nRUN --mount=type=secret,id=c md5sum /run/secrets/c\n' };
    const directory = context(files);
    const once = (file: string) => buildx(engine.daemon, ['build', '--secret', `id=c,src=${file}`, directory]);
    assert.equal((await once(secret('first').file)).code, 0);
    assert.match((await once(secret('second').file)).stderr, /CACHED/);
  });

  test('one that is missing fails where it is required, and is left out where not', withBuildx, async () => {
    const optional = { Dockerfile: 'FROM busybox\nRUN --mount=type=secret,id=gone test ! -e /run/secrets/gone\n' };
    assert.equal((await build(optional, [])).code, 0);
    const required = { Dockerfile: 'FROM busybox\nRUN --mount=type=secret,id=gone,required true\n' };
    for (const options of [[], ['--secret', `id=other,src=${secret('other').file}`]]) {
      const { code, stderr } = await build(required, options);
      assert.equal(code, 1);
      assert.match(stderr, /secret gone: not found/);
    }
    const variable = { Dockerfile: 'FROM busybox\nRUN --mount=type=secret,id=gone,env=G,required true\n' };
    assert.match((await build(variable, [])).stderr, /secret gone: not found/);
  });
});

describe('the agent of a client', () => {
  let agent = { pid: 0, socket: '', key: '' };

  before(() => {
    const directory = context({});
    mkdirSync(directory, { recursive: true });
    const socket = join(directory, 'agent');
    const said = execFileSync('ssh-agent', ['-a', socket, '-s']).toString();
    const key = join(directory, 'key');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'of the client', '-f', key]);
    execFileSync('ssh-add', ['-q', key], { env: { ...process.env, SSH_AUTH_SOCK: socket } });
    agent = { pid: Number(/SSH_AGENT_PID=(\d+)/.exec(said)?.[1]), socket, key };
  });

  after(() => {
    process.kill(agent.pid);
  });

  /** This host's ssh-add with the libraries that it needs. */
  function programFiles(directory: string): void {
    const libraries = execFileSync('ldd', ['/usr/bin/ssh-add'])
      .toString()
      .matchAll(/(\/\S+) \(/g);
    for (const path of ['/usr/bin/ssh-add', ...[...libraries].map(([, found]) => found!)]) {
      mkdirSync(dirname(join(directory, 'root', path)), { recursive: true });
      copyFileSync(path, join(directory, 'root', path));
    }
  }

  test('a step asks it for keys', withBuildx, async () => {
    const directory = context({
      Dockerfile: `FROM busybox
COPY root /
RUN --mount=type=ssh ssh-add -l && stat -c 'socket %a %u' "$SSH_AUTH_SOCK"
RUN --mount=type=ssh,id=named,target=/agent,uid=5 stat -c 'named %a %u' /agent
RUN test ! -e /run/buildkit && test ! -e /agent && test -z "$SSH_AUTH_SOCK"
`,
    });
    programFiles(directory);
    const options = ['--ssh', `default=${agent.socket}`, '--ssh', `named=${agent.key}`];
    const { code, stderr } = await buildx(engine.daemon, ['build', ...options, directory]);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /SHA256:\S+ of the client \(ED25519\)/);
    assert.match(stderr, / socket 600 0\n/);
    assert.match(stderr, / named 600 5\n/);
  });

  test('one that is not forwarded', withBuildx, async () => {
    const optional = { Dockerfile: 'FROM busybox\nRUN --mount=type=ssh test ! -e /run/buildkit/ssh_agent.0\n' };
    assert.equal((await build(optional, [])).code, 0);
    const required = { Dockerfile: 'FROM busybox\nRUN --mount=type=ssh,id=gone,required true\n' };
    assert.match((await build(required, [])).stderr, /unset ssh forward key gone|no SSH key "gone" forwarded/);
    const other = await build(required, ['--ssh', `default=${agent.socket}`]);
    assert.match(other.stderr, /unset ssh forward key gone/);
  });
});
