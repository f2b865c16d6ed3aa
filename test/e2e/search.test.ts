import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { useDaemon } from '../harness/fixture.ts';
import { type SandboxServer, startServer } from '../harness/sandbox-server.ts';
import { comparedDocker, repository, wharfOnly } from '../harness/target.ts';

const host = '127.0.0.1:5002';
const engine = useDaemon();
let index: SandboxServer;
before(async () => {
  const script = join(repository, 'test/fixtures/search-index.ts');
  index = await startServer(engine.daemon.sandbox, [process.execPath, script, ...host.split(':')], host);
});
after(() => index?.close());

async function search(query: string, filters: object = {}) {
  const parameters = `term=${host}/${query}&filters=${encodeURIComponent(JSON.stringify(filters))}`;
  const { status, json } = await engine.api('GET', `/images/search?${parameters}`);
  return { status, message: json.message, names: Array.isArray(json) ? json.map(({ name }) => name) : undefined };
}

describe('searching an index', () => {
  const found: [what: string, query: string, filters: object, names: string[]][] = [
    ['all that match', 'busy', {}, ['library/busy', 'someone/busy', 'other/busy']],
    ['nothing', 'idle', {}, []],
    ['so many', 'busy&limit=2', {}, ['library/busy', 'someone/busy']],
    ['official ones', 'busy', { 'is-official': ['true'] }, ['library/busy']],
    ['others', 'busy', { 'is-official': ['false'] }, ['someone/busy', 'other/busy']],
    ['ones with stars', 'busy', { stars: ['70'] }, ['library/busy', 'other/busy']],
  ];
  for (const [what, query, filters, names] of found) {
    test(`finds ${what}`, async () => assert.deepEqual((await search(query, filters)).names, names));
  }

  const refused: [what: string, query: string, filters: object, status: number, message: RegExp][] = [
    ['a filter that is none', 'busy', { size: ['1'] }, 400, /[Ii]nvalid filter 'size'/],
    ['stars that are no number', 'busy', { stars: ['many'] }, 400, /[Ii]nvalid filter 'stars=.*many/],
    ['a limit beyond 100', 'busy&limit=101', {}, 400, /limit.*(1 and 100|101)|101.*limit/i],
    ['what the index cannot do', 'broken', {}, 500, /Unexpected status code 500/],
  ];
  for (const [what, query, filters, status, message] of refused) {
    test(`refuses ${what}`, async () => {
      const answer = await search(query, filters);
      assert.match(answer.message, message);
      // dockerd 20.10 has other numbers for some of them.
      assert.ok(answer.status === status || answer.status >= 500, String(answer.status));
    });
  }
});

describe('docker search and wharf search say the same', { skip: wharfOnly().skip || comparedDocker().skip }, () => {
  const lines = [
    ['busy'],
    ['--no-trunc', 'busy'],
    ['--limit', '1', 'busy'],
    ['--filter', 'stars=10', '--filter', 'is-official=false', 'busy'],
    ['--format', '{{.Name}} {{.StarCount}} {{.IsOfficial}}', 'busy'],
    ['--format', 'json', 'busy'],
    ['--format', '{{json .}}', 'busy'],
    ['--format', '{{.IsAutomated}}', 'busy'],
    ['--filter', 'size=1', 'busy'],
    ['broken'],
    ['idle'],
  ];
  for (const line of lines) {
    const args = ['search', ...line.slice(0, -1), `${host}/${line.at(-1)}`];
    test(args.join(' '), async () => {
      const [docker, wharf] = [await engine.daemon.docker(args), await engine.daemon.wharf(args)];
      assert.equal(wharf.stdout, docker.stdout);
      assert.equal(wharf.stderr, docker.stderr);
      assert.equal(wharf.code, docker.code);
    });
  }
});
