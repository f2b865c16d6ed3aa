import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Content } from '@wharf/build/pb/content_pb';
import { BuildHistoryEventType, type BuildHistoryRecord, Control } from '@wharf/build/pb/control_pb';
import { buildContext } from '../harness/build-context.ts';
import { buildx, withBuildx } from '../harness/buildx.ts';
import { withControl } from '../harness/control.ts';
import { useDaemon } from '../harness/fixture.ts';

const engine = useDaemon();

const context = (files: Readonly<Record<string, string>>) => buildContext(engine.daemon, files);

function classic(directory: string, ...options: string[]) {
  return engine.daemon.docker(['build', ...options, directory], { env: { DOCKER_BUILDKIT: '0' } });
}

/** Newest first. */
async function records(request: Partial<{ Ref: string; Filter: string[]; Limit: number }> = {}) {
  const found: BuildHistoryRecord[] = [];
  await withControl(engine.daemon.socket, async (call) => {
    const events = await call(Control.method.listenBuildHistory, { EarlyExit: true, ...request });
    for (const { record } of events) if (record) found.push(record);
  });
  return found;
}

async function logsOf(ref: string): Promise<string> {
  let text = '';
  await withControl(engine.daemon.socket, async (call) => {
    const answers = await call(Control.method.status, { Ref: ref });
    for (const { logs } of answers) for (const { msg } of logs) text += Buffer.from(msg).toString();
  });
  return text;
}

async function content(digest: string): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  await withControl(engine.daemon.socket, async (call) => {
    for (const { data } of await call(Content.method.read, { digest })) parts.push(data);
  });
  return Buffer.concat(parts);
}

describe('build history', () => {
  test('a classic build is a record with its options, steps, logs, materials and image', async () => {
    const directory = context({ Dockerfile: 'FROM busybox\nARG TOKEN\nARG WHO\nRUN echo said by $WHO with $TOKEN\n' });
    const args = ['--build-arg', 'TOKEN=very-secret', '--build-arg', 'WHO=me', '-t', 'history:1'];
    assert.equal((await classic(directory, ...args)).code, 0);
    const [record] = await records();
    assert.ok(record);
    assert.equal(record.FrontendAttrs['build-arg:WHO'], 'me');
    assert.notEqual(record.FrontendAttrs['build-arg:TOKEN'], 'very-secret');
    assert.equal(record.error, undefined);
    assert.ok(record.CompletedAt && record.CreatedAt);
    assert.ok(record.numTotalSteps >= 2 && record.numCompletedSteps === record.numTotalSteps);
    const image = (await engine.api('GET', '/images/history:1/json')).json;
    assert.equal(record.ExporterResponse['containerimage.digest'], image.Id);
    assert.match(await logsOf(record.Ref), /^said by me with /);
    const [attestation] = record.Result?.Attestations ?? [];
    assert.ok(attestation);
    const { materials } = JSON.parse((await content(attestation.digest)).toString());
    const busybox = (await engine.api('GET', '/images/busybox/json')).json;
    assert.match(materials[0].uri, /^pkg:docker\/busybox@latest\?platform=linux%2F/);
    assert.equal(`sha256:${materials[0].digest.sha256}`, busybox.Id);
  });

  test('what looks secret is in no file of the history', async () => {
    const { stdout } = await engine.daemon.sandbox.run([
      'grep',
      '-rc',
      'said by me',
      join(engine.daemon.dataRoot, 'build/history'),
    ]);
    assert.match(stdout, /\/logs:[1-9]/);
    const found = await engine.daemon.sandbox.run([
      'grep',
      '-r',
      'very-secret',
      join(engine.daemon.dataRoot, 'build/history'),
    ]);
    assert.deepEqual([found.stdout, found.code], ['', 1]);
  });

  test('the log is content that has its digest', async () => {
    const [record] = await records({ Limit: 1 });
    assert.ok(record?.logs);
    const bytes = await content(record.logs.digest);
    assert.equal(BigInt(bytes.length), record.logs.size);
    assert.equal(`sha256:${createHash('sha256').update(bytes).digest('hex')}`, record.logs.digest);
  });

  test('a failed build keeps its error, and filters find it', async () => {
    const directory = context({ Dockerfile: 'FROM busybox\nRUN echo before; exit 7\n' });
    assert.notEqual((await classic(directory)).code, 0);
    const failed = await records({ Filter: ['status==error'] });
    assert.equal(failed.length, 1);
    assert.match(failed[0]?.error?.message ?? '', /exit 7" did not complete successfully: exit code: 7/);
    assert.ok((await records({ Filter: ['status==completed'] })).every(({ error }) => !error));
    assert.deepEqual(await records({ Filter: ['duration>1h'] }), []);
    await assert.rejects(records({ Filter: ['colour==red'] }), /unsupported filter "colour==red"/);
  });

  test('a running build is told of, and its end', async () => {
    const directory = context({
      Dockerfile: 'FROM busybox\nRUN echo begun; while [ ! -e /stop ]; do sleep 0.1; done\n',
    });
    const child = classic(directory, '-t', 'history:running');
    await withControl(engine.daemon.socket, async (call) => {
      const isStart = ({ type }: { type: BuildHistoryEventType }) => type === BuildHistoryEventType.STARTED;
      const started = await call(Control.method.listenBuildHistory, { ActiveOnly: true }, isStart);
      const ref = started.at(-1)?.record?.Ref ?? '';
      const begun = await call(Control.method.status, { Ref: ref }, ({ logs }) => logs.length > 0);
      assert.equal(Buffer.from(begun.at(-1)!.logs[0]!.msg).toString(), 'begun\n');
      await assert.rejects(call(Control.method.updateBuildHistory, { Ref: ref, Delete: true }), /is running/);
    });
    await engine.daemon.kill();
    await child;
    await engine.daemon.start();
    const [record] = await records();
    assert.match(record?.error?.message ?? '', /the daemon ended before the build did/);
    assert.ok(record?.CompletedAt);
    assert.equal((await records()).length, 3);
  });

  test('records are pinned and removed', async () => {
    const [newest, next] = await records();
    assert.ok(newest && next?.logs);
    await withControl(engine.daemon.socket, async (call) => {
      await call(Control.method.updateBuildHistory, { Ref: newest.Ref, Pinned: true });
      await call(Control.method.updateBuildHistory, { Ref: next.Ref, Delete: true });
    });
    const left = await records();
    assert.deepEqual([left.length, left[0]?.pinned, left[0]?.Ref], [2, true, newest.Ref]);
    await assert.rejects(content(next.logs.digest), /not found/);
  });

  test(
    'builds of buildx are records by its reference, also with the build of the same again cached',
    withBuildx,
    async () => {
      const directory = context({ Dockerfile: 'FROM busybox AS made\nRUN echo by buildx\n' });
      const build = () => buildx(engine.daemon, ['buildx', 'build', '--target', 'made', '-t', 'history:2', directory]);
      assert.equal((await build()).code, 0);
      assert.equal((await build()).code, 0);
      const [again, first] = await records();
      assert.ok(again && first);
      assert.equal(again.FrontendAttrs.target, 'made');
      assert.equal(first.numCachedSteps, 0);
      assert.ok(again.numCachedSteps >= 1);
      assert.match(await logsOf(first.Ref), /by buildx/);
      assert.equal(again.Exporters[0]?.Type, 'moby');
    },
  );
});

describe('wharf builder history', () => {
  const wharf = async (...args: string[]) => {
    const { code, stdout, stderr } = await engine.daemon.wharf(['builder', 'history', ...args]);
    assert.equal(code, 0, stderr);
    return stdout;
  };

  test('ls lists in columns, by a template, and as JSON', async () => {
    const directory = context({ Dockerfile: 'FROM busybox\nRUN echo listed\n' });
    assert.equal((await classic(directory, '-t', 'listed:1', '--label', 'a=b')).code, 0);
    assert.match(
      await wharf('ls'),
      /^BUILD ID +NAME +STATUS +CREATED AT +DURATION *\n[0-9a-z]{25} +listed:1 +Completed .* ago +\d\.\ds/,
    );
    const [first = ''] = (await wharf('ls', '--format', '{{.Ref}} {{.Status}}')).split('\n');
    assert.match(first, /^[0-9a-z]{25} Completed$/);
    const [json = ''] = (await wharf('ls', '--format', 'json')).split('\n');
    const { status, ref, total_steps, completed_at } = JSON.parse(json);
    assert.deepEqual([status, ref, total_steps > 0], ['Completed', `default/default/${first.split(' ')[0]}`, true]);
    assert.ok(Date.parse(completed_at) > 0);
    assert.equal(await wharf('ls', '--filter', 'status=running', '--format', '{{.Ref}}'), '');
    const refused = await engine.daemon.wharf(['builder', 'history', 'ls', '--filter', 'colour=red']);
    assert.match(refused.stderr, /unsupported filter "colour=red"/);
  });

  test('inspect shows what it was made of, and for a failed one the end of its output', async () => {
    const pretty = await wharf('inspect');
    assert.match(pretty, /^Name:\s+listed:1\nRef:\s+[0-9a-z]{25}\n/);
    assert.match(pretty, /\nBuild Steps:\s+(\d+)\/\1 \(/);
    assert.match(pretty, /\nLABEL\s+VALUE\na\s+b\n/);
    assert.match(pretty, /\nMaterials:\nURI\s+DIGEST\npkg:docker\/busybox@latest\S+\s+sha256:/);
    const directory = context({ Dockerfile: 'FROM busybox\nRUN seq 1 20; exit 9\n' });
    assert.notEqual((await classic(directory)).code, 0);
    const failed = JSON.parse(await wharf('inspect', '--format', 'json', '^0'));
    assert.equal(failed.Status, 'failed');
    assert.deepEqual(failed.Error.Logs.slice(0, 2), ['5', '6']);
    assert.equal(
      await wharf('inspect', '--format', '{{.Status}} {{.Error.Name}}'),
      'failed [2/2] RUN seq 1 20; exit 9\n',
    );
  });

  test('logs print the progress as it was', async () => {
    const plain = await wharf('logs', '^1');
    assert.match(plain, /^#\d+ \[2\/2\] RUN echo listed\n#\d+ \d\.\d{3} listed\n#\d+ DONE \d\.\ds\n/m);
    const raw = (await wharf('logs', '--progress', 'rawjson', '^1'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const logs = raw.flatMap(({ logs = [] }) => logs).map(({ data }) => Buffer.from(data, 'base64').toString());
    assert.deepEqual(logs, ['listed\n']);
  });

  test('rm removes those that are named, or all', async () => {
    const [, second = ''] = (await wharf('ls', '--format', '{{.Ref}}')).split('\n');
    assert.equal(await wharf('rm', second), '');
    const gone = await engine.daemon.wharf(['builder', 'history', 'inspect', second]);
    assert.match(gone.stderr, /no record found for ref/);
    await wharf('rm', '--all');
    assert.equal(await wharf('ls', '--format', '{{.Ref}}'), '');
    const none = await engine.daemon.wharf(['builder', 'history', 'rm']);
    assert.match(none.stderr, /rm requires at least one argument/);
  });
});
