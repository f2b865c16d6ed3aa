import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { RobotTokens } from '../../packages/registry/src/server/access/robot-tokens.ts';
import type { Rule } from '../../packages/registry/src/server/access/rules.ts';
import { UsersFile } from '../../packages/registry/src/server/access/users-file.ts';
import { pushImage, randomBlob, registryImage } from '../fixtures/registry-image.ts';
import { type RunningRegistry, runRegistry } from '../harness/registry-service.ts';

const rules: Rule[] = [
  { repositories: 'public/**', anonymous: true, actions: ['pull'] },
  { repositories: 'public/**', groups: ['dev'], actions: ['push'] },
  { repositories: 'team/*', groups: ['dev'], actions: ['pull', 'push'] },
  { repositories: '**', users: ['root'], actions: ['pull', 'push', 'delete'] },
];

let registry: RunningRegistry;
const robots: Record<string, string> = {};

before(async () => {
  registry = await runRegistry(async (directory) => {
    const users = join(directory, 'users');
    const tokens = join(directory, 'tokens');
    // Made by `htpasswd -nbB bob bobs`.
    writeFileSync(users, '# people\nbob:$2y$05$0PzQT8p7I1zMRZ7mRAw0suRF9aVmAEmYTYTYBbCI2vrLRTg2n5w1W\n');
    const file = new UsersFile(users);
    await file.put('root', 'roots', []);
    await file.put('dora', 'doras', ['dev']);
    await file.put('bob', 'bobs', []);
    const robot = new RobotTokens(tokens);
    const scopes = [{ repositories: 'team/app', actions: ['pull', 'push'] as const }];
    robots.ci = (await robot.create({ name: 'ci', scopes })).secret;
    robots.old = (await robot.create({ name: 'old', scopes, expires: Date.now() - 1 })).secret;
    const immutableTags = [{ repositories: 'team/**', tags: /^release-/ }];
    return { users, tokens, rules, immutableTags, accessLog: join(directory, 'access') };
  });
  const headers = basic('root', 'roots');
  for (const repository of ['public/app', 'team/app', 'other/app']) {
    const image = registryImage([randomBlob(10)]);
    assert.ok(await pushImage(registry.base, repository, { image, tag: 'v1', headers }));
  }
});
after(() => registry[Symbol.asyncDispose]());

function basic(name: string, password: string): Record<string, string> {
  return { Authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}` };
}

async function ask(path: string, headers: Record<string, string> = {}, method = 'GET') {
  const response = await fetch(registry.base + path, { method, headers });
  const text = await response.text();
  const body = text.startsWith('{') ? JSON.parse(text) : undefined;
  return { status: response.status, body, code: body?.errors?.[0]?.code, response };
}

async function token(query: string, headers: Record<string, string> = {}) {
  const { status, body } = await ask(`/token?${query}`, headers);
  assert.equal(status, 200);
  return body;
}

describe('rules', () => {
  const people: Record<string, Record<string, string>> = {
    nobody: {},
    bob: basic('bob', 'bobs'),
    dora: basic('dora', 'doras'),
    root: basic('root', 'roots'),
  };
  const rows: [who: string, method: string, path: string, status: number][] = [
    ['nobody', 'GET', 'public/app/manifests/v1', 200],
    ['nobody', 'GET', 'team/app/manifests/v1', 401],
    ['nobody', 'POST', 'public/app/blobs/uploads/', 401],
    ['bob', 'GET', 'public/app/manifests/v1', 200],
    ['bob', 'GET', 'team/app/manifests/v1', 403],
    ['dora', 'GET', 'team/app/manifests/v1', 200],
    ['dora', 'POST', 'team/app/blobs/uploads/', 202],
    ['dora', 'POST', 'public/new/blobs/uploads/', 202],
    ['dora', 'POST', 'team/deep/app/blobs/uploads/', 403],
    ['dora', 'DELETE', 'team/app/manifests/v1', 403],
    ['dora', 'GET', 'other/app/manifests/v1', 403],
    ['root', 'GET', 'other/app/manifests/v1', 200],
  ];
  for (const [who, method, path, status] of rows) {
    test(`${who} ${method} ${path} gives ${status}`, async () => {
      const answer = await ask(`/v2/${path}`, people[who], method);
      assert.equal(answer.status, status, JSON.stringify(answer.body));
      if (status === 401) {
        const challenge = answer.response.headers.get('www-authenticate') ?? '';
        const scope = new RegExp(`scope="repository:${path.split(/\/(?:manifests|blobs)/)[0]}:(pull|push|delete)"`);
        assert.match(challenge, /^Bearer realm="http:\/\/127\.0\.0\.1:\d+\/token",service="127\.0\.0\.1:\d+",/);
        assert.match(challenge, scope);
      }
    });
  }

  test('the catalog shows what somebody may read', async () => {
    assert.deepEqual((await ask('/v2/_catalog', people.dora)).body.repositories, ['public/app', 'team/app']);
    assert.deepEqual((await ask('/v2/_catalog')).body.repositories, ['public/app']);
  });

  test('a mount from where one may not read begins an upload', async () => {
    const { body } = await ask('/v2/other/app/manifests/v1', people.root);
    const digest = body.layers[0].digest;
    for (const query of [`mount=${digest}&from=other/app`, `mount=${digest}`]) {
      assert.equal((await ask(`/v2/team/app/blobs/uploads/?${query}`, people.dora, 'POST')).status, 202);
    }
    assert.equal((await ask(`/v2/team/x/blobs/uploads/?mount=${digest}`, people.root, 'POST')).status, 201);
  });
});

describe('tokens', () => {
  test('a token carries what was asked for and is allowed, and no more', async () => {
    const scope = 'scope=repository:team/app:pull,push,delete&scope=repository:other/app:pull';
    const { token: jwt } = await token(`service=x&${scope}`, basic('dora', 'doras'));
    const { access } = JSON.parse(Buffer.from(jwt.split('.')[1], 'base64url').toString());
    assert.deepEqual(access, [{ type: 'repository', name: 'team/app', actions: ['pull', 'push'] }]);
    const headers = { Authorization: `Bearer ${jwt}` };
    assert.equal((await ask('/v2/team/app/manifests/v1', headers)).status, 200);
    assert.equal((await ask('/v2/public/app/manifests/v1', headers)).status, 401, 'a scope that was not asked for');
    assert.equal((await ask('/v2/other/app/manifests/v1', headers)).status, 403);
  });

  test('nobody gets a token for what all may read', async () => {
    const { token: jwt } = await token('scope=repository:public/app:pull,push');
    const headers = { Authorization: `Bearer ${jwt}` };
    assert.equal((await ask('/v2/public/app/manifests/v1', headers)).status, 200);
    assert.equal((await ask('/v2/public/app/blobs/uploads/', headers, 'POST')).status, 401);
  });

  test('another’s signature, another algorithm and a changed token are refused', async () => {
    const { token: jwt } = await token('scope=repository:team/app:pull', basic('dora', 'doras'));
    const [head, claims, signature] = jwt.split('.');
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    const other = Buffer.from(
      JSON.stringify({ ...JSON.parse(Buffer.from(claims, 'base64url').toString()), sub: 'user:root' }),
    );
    for (const bad of [`${none}.${claims}.`, `${head}.${other.toString('base64url')}.${signature}`, 'x.y.z', 'x']) {
      const answer = await ask('/v2/team/app/manifests/v1', { Authorization: `Bearer ${bad}` });
      assert.equal(answer.status, 401, bad);
      assert.equal(answer.code, 'UNAUTHORIZED');
    }
  });

  test('a refresh token gives tokens until the password changes, and opens nothing by itself', async () => {
    const users = new UsersFile(join(registry.directory, 'users'));
    await users.put('temp', 'first', ['dev']);
    await new Promise((resolve) => setTimeout(resolve, 1100));
    const { refresh_token: refresh } = await token('offline_token=true', basic('temp', 'first'));
    const direct = await ask('/v2/team/app/manifests/v1', { Authorization: `Bearer ${refresh}` });
    assert.equal(direct.status, 401);
    const form = { grant_type: 'refresh_token', refresh_token: refresh, scope: 'repository:team/app:pull' };
    const again = () => fetch(`${registry.base}/token`, { method: 'POST', body: new URLSearchParams(form) });
    const first = (await (await again()).json()) as { access_token: string };
    const headers = { Authorization: `Bearer ${first.access_token}` };
    assert.equal((await ask('/v2/team/app/manifests/v1', headers)).status, 200);
    await users.put('temp', 'second', ['dev']);
    await new Promise((resolve) => setTimeout(resolve, 1100));
    assert.equal((await again()).status, 401);
    assert.equal((await ask('/v2/team/app/manifests/v1', headers)).status, 401, 'what was issued is void too');
  });
});

describe('robots', () => {
  test('may do what their scopes say', async () => {
    const headers = basic('ci', robots.ci!);
    assert.equal((await ask('/v2/team/app/manifests/v1', headers)).status, 200);
    assert.equal((await ask('/v2/team/app/blobs/uploads/', headers, 'POST')).status, 202);
    assert.equal((await ask('/v2/team/app/manifests/v1', headers, 'DELETE')).status, 403);
    assert.equal((await ask('/v2/team/other/manifests/v1', headers)).status, 403);
    const { token: jwt } = await token('scope=repository:team/app:pull', headers);
    assert.equal((await ask('/v2/team/app/manifests/v1', { Authorization: `Bearer ${jwt}` })).status, 200);
  });

  test('are refused after their time, under another name, and with another secret', async () => {
    for (const [name, secret] of [
      ['old', robots.old!],
      ['root', robots.ci!],
      ['ci', `${robots.ci!.slice(0, -1)}-`],
    ] as const) {
      assert.equal((await ask('/v2/', basic(name, secret))).status, 401, name);
    }
  });
});

test('a wrong password and an unknown name are told the same; too many are 429', async () => {
  for (const name of ['root', 'stranger']) {
    const answer = await ask('/v2/', basic(name, 'wrong'));
    assert.equal(answer.status, 401);
    assert.equal(answer.body.errors[0].message, 'incorrect username or password');
  }
  let answer = await ask('/v2/', basic('guess', 'wrong 0'));
  for (let tries = 1; answer.status === 401 && tries < 20; tries++) {
    answer = await ask('/v2/', basic('guess', `wrong ${tries}`));
  }
  assert.equal(answer.status, 429);
  assert.equal(answer.code, 'TOOMANYREQUESTS');
  assert.equal((await ask('/v2/', basic('root', 'roots'))).status, 200, 'others go on');
});

test('metrics and health', async () => {
  assert.equal((await ask('/healthz')).status, 200);
  assert.equal((await ask('/v2/public/app/manifests/healthz')).status, 404, 'a tag of that name is none');
  const metrics = await (await fetch(`${registry.base}/metrics`)).text();
  assert.match(metrics, /^registry_http_requests_total\{method="GET",kind="manifest",status="200"\} \d+$/m);
  assert.match(metrics, /^registry_http_request_duration_seconds_bucket\{kind="manifest",le="\+Inf"\} \d+$/m);
});

test('an immutable tag is written once; the same again is no change', async () => {
  const headers = basic('root', 'roots');
  const [first, second] = [registryImage([randomBlob(10)]), registryImage([randomBlob(10)])];
  assert.ok(await pushImage(registry.base, 'team/fixed', { image: first, tag: 'release-1', headers }));
  assert.ok(await pushImage(registry.base, 'team/fixed', { image: first, tag: 'release-1', headers }));
  assert.ok(!(await pushImage(registry.base, 'team/fixed', { image: second, tag: 'release-1', headers })));
  assert.ok(await pushImage(registry.base, 'team/fixed', { image: second, tag: 'latest', headers }));
  for (const reference of ['release-1', first.digest]) {
    const refused = await ask(`/v2/team/fixed/manifests/${reference}`, headers, 'DELETE');
    assert.equal(refused.status, 403, reference);
    assert.equal(refused.code, 'DENIED');
  }
  const { response } = await ask('/v2/team/fixed/manifests/release-1', headers, 'HEAD');
  assert.equal(response.headers.get('docker-content-digest'), first.digest);
});

test('the access log has a line of JSON for each request, and no secret', async () => {
  await ask('/v2/team/app/manifests/v1?secret=yes', { ...basic('dora', 'doras'), 'User-Agent': 'log/1' });
  const entries = await loggedBy('log/1');
  const { time, milliseconds, ...entry } = entries[0]!;
  assert.ok(Date.parse(String(time)) > Date.now() - 60_000);
  assert.equal(typeof milliseconds, 'number');
  assert.deepEqual(entry, {
    method: 'GET',
    path: '/v2/team/app/manifests/v1',
    repository: 'team/app',
    status: 200,
    bytesIn: 0,
    bytesOut: entry.bytesOut,
    peer: '127.0.0.1',
    user: 'dora',
    userAgent: 'log/1',
  });
  assert.ok(Number(entry.bytesOut) > 100);
});

/** The stream to the file may be a moment behind. */
async function loggedBy(userAgent: string): Promise<Record<string, unknown>[]> {
  for (
    const deadline = Date.now() + 5000;
    Date.now() < deadline;
    await new Promise((resolve) => setImmediate(resolve))
  ) {
    const text = readFileSync(join(registry.directory, 'access'), 'utf8');
    assert.doesNotMatch(text, /secret|doras|wrt_/);
    const lines = text.split('\n').filter((line) => line !== '' && line.endsWith('}'));
    const found = lines.map((line) => JSON.parse(line)).filter((entry) => entry.userAgent === userAgent);
    if (found.length > 0) return found;
  }
  throw new Error('nothing was logged');
}
