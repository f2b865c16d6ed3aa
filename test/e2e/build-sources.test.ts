import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { tar } from '../fixtures/tar.ts';
import { useDaemon } from '../harness/fixture.ts';
import { wharfOnly } from '../harness/target.ts';

const engine = useDaemon();
const image = 'busybox';
const commits = { first: '', second: '' };
let site = '';

/** A web site in a container: files, an archive, and a repository with two commits, a tag and a branch. */
before(async () => {
  const www = join(engine.daemon.sandbox.directory, 'www');
  mkdirSync(www);
  writeFileSync(join(www, 'file.txt'), 'from the web');
  writeFileSync(join(www, 'Made'), `FROM ${image}\nRUN echo alone > /alone\n`);
  writeFileSync(join(www, 'files.tar'), tar([{ name: 'inner/x', content: 'X' }]));
  const dockerfile = `FROM ${image}\nCOPY . /c\nRUN echo archived > /said\n`;
  writeFileSync(
    join(www, 'context.tar'),
    tar([
      { name: 'Dockerfile', content: dockerfile },
      { name: 'f', content: 'F' },
    ]),
  );
  const source = join(engine.daemon.sandbox.directory, 'source');
  const identity = ['-c', 'user.name=a', '-c', 'user.email=a@b'];
  const env = { ...process.env, GIT_COMMITTER_DATE: '@1234567890 +0000' };
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', source, ...identity, ...args], { encoding: 'utf8', stdio: 'pipe', env }).trim();
  mkdirSync(join(source, 'sub'), { recursive: true });
  git('init', '--quiet', '--initial-branch=master');
  const commit = (text: string) => {
    writeFileSync(join(source, 'said'), text);
    git('add', '.');
    git('commit', '--quiet', '-m', text);
    return git('rev-parse', 'HEAD');
  };
  writeFileSync(join(source, 'Dockerfile'), `FROM ${image}\nCOPY . /c\n`);
  writeFileSync(join(source, 'sub', 'Dockerfile'), `FROM ${image}\nCOPY . /sub\n`);
  symlinkSync('/etc', join(source, 'out'));
  commits.first = commit('first');
  git('tag', 'v1');
  commits.second = commit('second');
  git('clone', '--quiet', '--bare', source, join(www, 'repository.git'));
  execFileSync('git', ['-C', join(www, 'repository.git'), 'update-server-info']);
  const server = ['run', '-d', '--name', 'site', '-v', `${www}:/www`, image, 'httpd', '-f', '-p', '80', '-h', '/www'];
  const { code, stderr } = await engine.daemon.docker(server);
  assert.equal(code, 0, stderr);
  const { json } = await engine.api('GET', '/containers/site/json');
  site = `http://${json.NetworkSettings.Networks.bridge.IPAddress}`;
});

async function build(query: Readonly<Record<string, string>>, files?: Readonly<Record<string, string>>) {
  const context = files && tar(Object.entries(files).map(([name, content]) => ({ name, content })));
  const answer = await engine.daemon.api('POST', `/build?${new URLSearchParams(query)}`, context, {
    headers: { 'Content-Type': 'application/x-tar' },
  });
  return { status: answer.status, said: answer.text };
}

async function output(name: string, ...command: string[]): Promise<string> {
  const { stdout, stderr, code } = await engine.daemon.docker(['run', '--rm', name, ...command]);
  assert.equal(code, 0, stderr);
  return stdout;
}

async function built(name: string, query: Readonly<Record<string, string>>, files?: Readonly<Record<string, string>>) {
  const { status, said } = await build({ t: name, ...query }, files);
  assert.equal(status, 200, said);
  assert.match(said, /Successfully built/);
}

describe('a context from elsewhere', () => {
  test('is a Dockerfile alone', async () => {
    await built('remote:file', { remote: `${site}/Made` });
    assert.equal(await output('remote:file', 'cat', '/alone'), 'alone\n');
  });

  test('is an archive', async () => {
    await built('remote:tar', { remote: `${site}/context.tar` });
    assert.equal(await output('remote:tar', 'cat', '/c/f', '/said'), 'Farchived\n');
  });

  test('is a repository at its head, a tag, a commit, or a directory of it', async () => {
    const remote = `${site}/repository.git`;
    for (const [name, fragment, text] of [
      ['head', '', 'second'],
      ['tag', '#v1', 'first'],
      ['commit', `#${commits.first}`, 'first'],
    ] as const) {
      await built(`repository:${name}`, { remote: `${remote}${fragment}` });
      assert.equal(await output(`repository:${name}`, 'cat', '/c/said'), text);
    }
    await built('repository:sub', { remote: `${remote}#master:sub` });
    assert.equal(await output('repository:sub', 'ls', '/sub'), 'Dockerfile\n');
  });

  test('is refused where there is none', async () => {
    const none = await build({ remote: `${site}/nothing` });
    assert.match(none.said, /404 Not Found/);
    const ref = await build({ remote: `${site}/repository.git#missing` });
    assert.match(ref.said, /couldn't find remote ref|pathspec|missing/i);
    for (const remote of ['file:///etc', 'nothing', '/etc/passwd']) {
      const { status, said } = await build({ remote });
      assert.ok(status >= 400, said);
      assert.match(said, /could not be recognized as URL/);
    }
  });

  test('never leads out of the repository', wharfOnly(), async () => {
    const { said } = await build({ remote: `${site}/repository.git#master:out` });
    assert.match(said, /subdir not found/);
    for (const fragment of ['#--upload-pack=x', '#master:../..']) {
      const { said: refused } = await build({ remote: `${site}/repository.git${fragment}` });
      assert.match(refused, /invalid git reference|failed to read dockerfile|subdir not found|Successfully built/);
      assert.doesNotMatch(refused, /passwd/);
    }
  });
});

describe('ADD of what is elsewhere', () => {
  test('takes a file of the web, and leaves archives packed', async () => {
    const Dockerfile = `FROM ${image}\nADD ${site}/file.txt /got\nADD ${site}/files.tar /d/\n`;
    await built('added:web', {}, { Dockerfile });
    assert.equal(await output('added:web', 'cat', '/got'), 'from the web');
    assert.equal(await output('added:web', 'stat', '-c', '%a %u:%g %s', '/got'), '600 0:0 12\n');
    assert.equal(await output('added:web', 'ls', '/d'), 'files.tar\n');
  });

  test('is not there: the build fails and says why', async () => {
    const { said } = await build({}, { Dockerfile: `FROM ${image}\nADD ${site}/absent /x\n` });
    assert.match(said, /failed to GET .*\/absent with status 404 Not Found/);
  });

  test('has the content that a checksum says', wharfOnly(), async () => {
    const right = `sha256:${createHash('sha256').update('from the web').digest('hex')}`;
    await built('added:checked', {}, { Dockerfile: `FROM ${image}\nADD --checksum=${right} ${site}/file.txt /got\n` });
    const wrong = `sha256:${'0'.repeat(64)}`;
    const { said } = await build({}, { Dockerfile: `FROM ${image}\nADD --checksum=${wrong} ${site}/file.txt /got\n` });
    assert.match(said, new RegExp(`digest mismatch ${right}: ${wrong}`));
  });

  test('is a repository, with its directory of commits where that is asked for', wharfOnly(), async () => {
    const Dockerfile = `FROM ${image}\nADD ${site}/repository.git#v1 /r\nADD --keep-git-dir ${site}/repository.git /k\n`;
    await built('added:git', {}, { Dockerfile });
    assert.equal(
      await output('added:git', 'cat', '/r/said', '/k/said', '/k/.git/HEAD'),
      `firstsecond${commits.second}\n`,
    );
    assert.equal(
      await output('added:git', 'stat', '-c', '%a %Y', '/r/said', '/r/sub', '/r/out'),
      '644 1234567890\n755 1234567890\n777 1234567890\n',
    );
    assert.doesNotMatch(await output('added:git', 'ls', '-a', '/r'), /\.git$/m);
  });
});

describe('POST /build/cancel', () => {
  test('wants a name, and knows that nothing may have it', async () => {
    assert.ok((await engine.api('POST', '/build/cancel')).status >= 400);
    assert.ok([200, 204].includes((await engine.api('POST', '/build/cancel?id=nobody')).status));
  });

  test('ends a build by its name', wharfOnly(), async () => {
    const context = tar([{ name: 'Dockerfile', content: `FROM ${image}\nRUN echo begun; sleep 1000\n` }]);
    const { body, status } = await engine.daemon.open('POST', '/build?buildid=mine', context, {
      headers: { 'Content-Type': 'application/x-tar' },
    });
    assert.equal(status, 200);
    let said = '';
    let asked = false;
    for await (const chunk of body) {
      said += chunk.toString();
      if (asked || !said.includes('{"stream":"begun')) continue;
      asked = true;
      assert.equal((await engine.api('POST', '/build/cancel?id=mine')).status, 200);
    }
    assert.match(said, /"error":"context canceled"/);
  });
});
