import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { EngineError } from '@wharf/base/error';
import { digestOf } from '@wharf/oci/digest-of';
import { mediaTypes } from '@wharf/oci/media-type';
import { type Credentials, noCredentials } from './credentials.ts';
import type { RegistryConfig } from './hosts.ts';
import { RegistryClient } from './registry-client.ts';
import { RegistryError } from './registry-error.ts';

/** What was asked of a scripted server, and how it answers. */
type Handler = (request: Request, url: URL) => Response | Promise<Response>;

function serve(handler: Handler) {
  const requests: { method: string; path: string; authorization: string | null }[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    idleTimeout: 5,
    fetch(request) {
      const url = new URL(request.url);
      requests.push({
        method: request.method,
        path: url.pathname + url.search,
        authorization: request.headers.get('authorization'),
      });
      return handler(request, url);
    },
  });
  return {
    requests,
    host: `127.0.0.1:${server.port}`,
    url: `http://127.0.0.1:${server.port}`,
    stop: () => server.stop(true),
  };
}

const config: RegistryConfig = { mirrors: [], insecure: [], prefixMirrors: {} };
const signal = new AbortController().signal;

function open(domain: string, credentials: Credentials = noCredentials, changes: Partial<RegistryConfig> = {}) {
  const client = new RegistryClient({
    userAgent: 'test',
    proxies: { http: '', https: '', no: '' },
    config: () => ({ ...config, ...changes }),
    directories: () => ({ tls: {}, hosts: [] }),
    answerTimeout: 2000,
  });
  return { client, repository: client.repository({ domain, path: 'a/b' }, credentials) };
}

const ada: Credentials = { ...noCredentials, username: 'ada', password: 'secret' };
const manifest = JSON.stringify({
  schemaVersion: 2,
  mediaType: mediaTypes.ociManifest,
  config: { mediaType: mediaTypes.ociConfig, digest: digestOf('{}'), size: 2 },
  layers: [],
});
const manifestResponse = () =>
  new Response(manifest, {
    headers: { 'Content-Type': mediaTypes.ociManifest, 'Docker-Content-Digest': digestOf(manifest) },
  });

describe('token authentication', () => {
  let lifetime = 300;
  let issued = 0;
  const auth = serve((request, url) => {
    const basic = request.headers.get('authorization');
    const isAda = basic === `Basic ${Buffer.from('ada:secret').toString('base64')}`;
    if (basic !== null && !isAda) {
      return Response.json(
        { errors: [{ code: 'UNAUTHORIZED', message: 'incorrect username or password' }] },
        { status: 401 },
      );
    }
    issued++;
    const token = `${isAda ? 'ada' : 'nobody'}/${issued}/${url.searchParams.getAll('scope').join('+')}`.replaceAll(
      ' ',
      '',
    );
    const refresh = url.searchParams.get('offline_token') ? { refresh_token: 'again' } : {};
    return Response.json({ token, expires_in: lifetime, ...refresh });
  });
  let revoked = new Set<string>();
  /** What an answer waits for. */
  let held: Promise<void>[] = [];
  const registry = serve(async (request) => {
    const header = request.headers.get('authorization') ?? '';
    await held.shift();
    if (header.startsWith('Bearer ada/') && !revoked.has(header)) return manifestResponse();
    const insufficient = header === '' ? '' : ',error="insufficient_scope"';
    return Response.json(
      { errors: [{ code: 'UNAUTHORIZED', message: 'authentication required' }] },
      {
        status: 401,
        headers: {
          'WWW-Authenticate': `Bearer realm="${auth.url}/token",service="here",scope="repository:a/b:pull"${insufficient}`,
        },
      },
    );
  });
  before(() => {
    lifetime = 300;
    revoked = new Set();
  });
  after(() => Promise.all([auth.stop(), registry.stop()]));

  test('a token is fetched for the scope once, and used again', async () => {
    const { repository } = open(registry.host, ada);
    const before = issued;
    await Promise.all(Array.from({ length: 20 }, () => repository.manifest('latest', signal)));
    await repository.manifest('latest', signal);
    assert.equal(issued - before, 1);
    assert.match(auth.requests.at(-1)!.path, /^\/token\?service=here&scope=repository%3Aa%2Fb%3Apull&account=ada$/);
    assert.match(registry.requests.at(-1)!.authorization!, /^Bearer ada\/\d+\/repository:a\/b:pull$/);
  });

  test('a challenge that comes late leaves the token that is there', async () => {
    const { repository } = open(registry.host, ada);
    const before = issued;
    const late = Promise.withResolvers<void>();
    held = [late.promise];
    const slow = repository.manifest('latest', signal);
    while (held.length > 0) await Promise.race([slow, new Promise(setImmediate)]);
    await repository.manifest('latest', signal);
    late.resolve();
    await slow;
    assert.equal(issued - before, 1);
  });

  test('a token that is refused is fetched anew, once', async () => {
    const { repository } = open(registry.host, ada);
    await repository.manifest('latest', signal);
    revoked.add(registry.requests.at(-1)!.authorization!);
    const before = issued;
    await repository.manifest('latest', signal);
    assert.equal(issued - before, 1);
  });

  test('who may not pull is told so after one token', async () => {
    const { repository } = open(registry.host);
    const before = issued;
    await assert.rejects(repository.manifest('latest', signal), (error: unknown) => {
      assert.ok(error instanceof RegistryError);
      assert.deepEqual(
        [error.status, error.message, error.challenge],
        [401, 'denied: requested access to the resource is denied', 'bearer'],
      );
      return true;
    });
    assert.equal(issued - before, 1);
  });

  test('login gives what replaces the password', async () => {
    const { client } = open(registry.host);
    registry.requests.length = 0;
    const result = await client.login({ ...ada, serverAddress: registry.host }, signal);
    assert.deepEqual(result, { status: 'Login Succeeded', identityToken: 'again' });
    await assert.rejects(client.login({ ...ada, password: 'x', serverAddress: registry.host }, signal), {
      code: 'unauthenticated',
      message: /incorrect username or password/,
    });
  });
});

describe('an identity token', () => {
  const forms: string[] = [];
  const auth = serve(async (request) => {
    forms.push(`${request.method} ${await request.text()}`);
    return Response.json({ access_token: 'fresh' });
  });
  const registry = serve((request) =>
    request.headers.get('authorization') === 'Bearer fresh'
      ? manifestResponse()
      : new Response('', {
          status: 401,
          headers: { 'WWW-Authenticate': `Bearer realm="${auth.url}/oauth",service="s"` },
        }),
  );
  after(() => Promise.all([auth.stop(), registry.stop()]));

  test('is traded for a token by OAuth2', async () => {
    const { repository } = open(registry.host, { ...noCredentials, identityToken: 'mine' });
    await repository.manifest('latest', signal);
    assert.deepEqual(forms, [
      'POST grant_type=refresh_token&service=s&client_id=wharf&scope=repository%3Aa%2Fb%3Apull&refresh_token=mine',
    ]);
  });

  test('a registry token is sent as it is', async () => {
    const { repository } = open(registry.host, { ...noCredentials, registryToken: 'fresh' });
    await repository.manifest('latest', signal);
    const wrong = open(registry.host, { ...noCredentials, registryToken: 'stale' });
    await assert.rejects(wrong.repository.manifest('latest', signal), { code: 'unauthenticated' });
  });
});

describe('basic authentication', () => {
  const expected = `Basic ${Buffer.from('ada:secret').toString('base64')}`;
  const registry = serve((request) =>
    request.headers.get('authorization') === expected
      ? manifestResponse()
      : new Response('', { status: 401, headers: { 'WWW-Authenticate': 'Basic realm="r"' } }),
  );
  after(() => registry.stop());

  test('credentials go out after the challenge, and at once from then on', async () => {
    const { repository } = open(registry.host, ada);
    await repository.manifest('latest', signal);
    await repository.manifest('latest', signal);
    assert.deepEqual(
      registry.requests.map(({ authorization }) => authorization),
      [null, expected, expected],
    );
  });

  test('wrong ones are not tried twice', async () => {
    registry.requests.length = 0;
    const { repository } = open(registry.host, { ...ada, password: 'x' });
    await assert.rejects(repository.manifest('latest', signal), { code: 'unauthenticated' });
    assert.equal(registry.requests.length, 2);
  });
});

describe('redirects', () => {
  const elsewhere = serve(() => manifestResponse());
  const registry = serve((_, url) => {
    if (url.pathname.endsWith('/loop')) return Response.redirect(url.pathname, 302);
    if (url.pathname.endsWith('/away')) return Response.redirect(`${elsewhere.url}/blob?signature=s`, 307);
    if (url.pathname.endsWith('/file')) return Response.redirect('file:///etc/passwd', 307);
    return Response.redirect('latest', 307);
  });
  after(() => Promise.all([elsewhere.stop(), registry.stop()]));
  const withToken = { ...noCredentials, registryToken: 'secret' };

  test('another host does not see the credentials', async () => {
    await open(registry.host, withToken).repository.manifest('away', signal);
    assert.deepEqual(elsewhere.requests, [{ method: 'GET', path: '/blob?signature=s', authorization: null }]);
    assert.equal(registry.requests[0]!.authorization, 'Bearer secret');
  });

  test('a loop ends', async () => {
    await assert.rejects(open(registry.host).repository.manifest('loop', signal), /stopped after 10 redirects/);
  });

  test('only to what speaks HTTP', async () => {
    await assert.rejects(
      open(registry.host).repository.manifest('file', signal),
      /redirect to an address that is none/,
    );
  });
});

describe('mirrors', () => {
  const answers = new Map<string, () => Response>();
  const mirror = serve((_, url) => (answers.get(url.pathname) ?? (() => new Response('', { status: 404 })))());
  const registry = serve(() => manifestResponse());
  after(() => Promise.all([mirror.stop(), registry.stop()]));
  const prefixMirrors = { [registry.host]: [`${mirror.url}/cache`] };

  test('are asked first, with the prefix replaced and without credentials', async () => {
    answers.set('/v2/cache/a/b/manifests/latest', manifestResponse);
    const { repository } = open(registry.host, { ...noCredentials, registryToken: 'secret' }, { prefixMirrors });
    await repository.manifest('latest', signal);
    assert.deepEqual(mirror.requests, [{ method: 'GET', path: '/v2/cache/a/b/manifests/latest', authorization: null }]);
    assert.equal(registry.requests.length, 0);
  });

  const failures: [string, () => Response][] = [
    ['missing', () => new Response('', { status: 404 })],
    ['broken', () => new Response('', { status: 500 })],
    ['denied', () => new Response('', { status: 401, headers: { 'WWW-Authenticate': 'Basic' } })],
    ['nonsense', () => new Response('<html>')],
  ];
  for (const [name, answer] of failures) {
    test(`the registry itself is asked where the mirror's answer is ${name}`, async () => {
      answers.set('/v2/cache/a/b/manifests/latest', answer);
      const before = registry.requests.length;
      await open(registry.host, noCredentials, { prefixMirrors }).repository.manifest('latest', signal);
      assert.equal(registry.requests.length, before + 1);
    });
  }

  test('a mirror that is down is passed over, and not asked again at once', async () => {
    const { repository } = open(registry.host, noCredentials, {
      prefixMirrors: { [registry.host]: ['http://127.0.0.1:1'] },
    });
    await repository.manifest('latest', signal);
    await repository.manifest('latest', signal);
  });
});

describe('manifests that are not what they say', () => {
  const answers = new Map<string, () => Response>();
  const registry = serve((_, url) => answers.get(url.pathname.split('/').at(-1)!)!());
  after(() => registry.stop());
  const typed = (type: string, body: string) => () => new Response(body, { headers: { 'Content-Type': type } });
  const both = JSON.stringify({ ...JSON.parse(manifest), mediaType: undefined, manifests: [] });
  const index = JSON.stringify({ schemaVersion: 2, manifests: [] });
  const rows: [name: string, answer: () => Response, message: RegExp][] = [
    ['both', typed(mediaTypes.ociManifest, both), /both an index and a manifest/],
    ['mistyped', typed(mediaTypes.ociIndex, manifest), /it says .* the registry says/],
    ['misplaced', typed(mediaTypes.ociManifest, index), /not that of its content/],
    [
      'schema1',
      typed('application/vnd.docker.distribution.manifest.v1+prettyjws', '{}'),
      /schema 1 .* is not supported/,
    ],
    ['unnamed-schema1', typed('application/json', '{"schemaVersion":1}'), /schema 1/],
    ['text', typed('text/plain', 'hello'), /not JSON/],
    ['odd', typed('application/json', '{"mediaType":"x/y"}'), /unsupported manifest media type/],
    [
      'wrong',
      () => new Response(manifest, { headers: { 'Docker-Content-Digest': digestOf('other') } }),
      /manifest verification failed for digest/,
    ],
    [digestOf('another'), manifestResponse, /manifest verification failed for digest/],
    ['huge', typed(mediaTypes.ociManifest, ' '.repeat(17 << 20)), /too large/],
  ];
  for (const [name, answer, message] of rows) {
    test(name, async () => {
      answers.set(name, answer);
      await assert.rejects(open(registry.host).repository.manifest(name, signal), (error: unknown) => {
        assert.ok(error instanceof EngineError);
        assert.match(error.message, message);
        return true;
      });
    });
  }
});

describe('errors', () => {
  const rows: [name: string, response: () => Response, code: string, message: string | RegExp][] = [
    [
      'unknown',
      () =>
        Response.json(
          { errors: [{ code: 'MANIFEST_UNKNOWN', message: 'manifest unknown', detail: {} }] },
          { status: 404 },
        ),
      'not_found',
      'manifest unknown: manifest unknown',
    ],
    ['plain', () => new Response('oops', { status: 418 }), 'invalid_argument', /418.*: oops$/],
    [
      'page',
      () => new Response('<html>', { status: 502 }),
      'internal',
      /^unexpected status from GET request to .*: 502 [^<]*$/,
    ],
    [
      'escape',
      () => Response.json({ errors: [{ code: 'X', message: 'a\u001b[2Jb' }] }, { status: 400 }),
      'invalid_argument',
      'x: a [2Jb',
    ],
    [
      'limit',
      () => new Response('', { status: 429, headers: { 'Retry-After': '7' } }),
      'unavailable',
      /^toomanyrequests/,
    ],
  ];
  const registry = serve((_, url) => rows.find(([name]) => url.pathname.endsWith(`/${name}`))![1]());
  after(() => registry.stop());
  for (const [name, , code, message] of rows) {
    test(name, async () => {
      await assert.rejects(open(registry.host).repository.manifest(name, signal), { code, message });
    });
  }

  test('nobody there', async () => {
    await assert.rejects(open('127.0.0.1:1').repository.manifest('latest', signal), {
      message:
        /^Get "https?:\/\/127\.0\.0\.1:1\/v2\/a\/b\/manifests\/latest": dial tcp 127\.0\.0\.1:1: connect: connection refused$/,
    });
  });

  test('silence has an end', async () => {
    const silent = serve(() => new Promise(() => undefined));
    const { repository } = open(silent.host);
    await assert.rejects(repository.manifest('latest', signal), /timeout awaiting response headers/);
    await silent.stop();
  });
});

test('tags come page by page, from the same repository only', async () => {
  const registry = serve((_, url) => {
    const last = url.searchParams.get('last');
    if (last === null) {
      return Response.json({ tags: ['1', '../2'] }, { headers: { Link: '</v2/a/b/tags/list?last=1>; rel="next"' } });
    }
    return Response.json({ tags: ['3'] }, { headers: { Link: '</v2/other/tags/list?last=3>; rel="next"' } });
  });
  const tags = await Array.fromAsync(open(registry.host).repository.tags(signal));
  assert.deepEqual(tags, ['1', '3']);
  await registry.stop();
});
