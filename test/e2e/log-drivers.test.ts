import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gunzipSync, inflateSync } from 'node:zlib';
import { decodeMulti, type ExtData, ExtensionCodec } from '@msgpack/msgpack';
import { useDaemon } from '../harness/fixture.ts';
import { RawReceiver, ReceiverProcess, Rsyslog } from '../harness/log-receivers.ts';
import { run } from '../harness/run.ts';
import { dockerSince, wharfOnly } from '../harness/target.ts';

const engine = useDaemon();

/** Runs a script to its end with this driver. */
async function logging(Type: string, Config: Record<string, string>, script: string, spec: object = {}) {
  const id = await engine.started({ Cmd: ['sh', '-c', script], HostConfig: { LogConfig: { Type, Config } }, ...spec });
  await engine.wait(id);
  return id;
}

describe('syslog', () => {
  let directory: string;
  let rsyslog: Rsyslog;
  before(async () => {
    directory = join(engine.daemon.sandbox.directory, 'syslog');
    mkdirSync(directory);
    const names = '-subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1';
    const made = await run([
      'sh',
      '-c',
      `cd ${directory} && openssl req -x509 -newkey rsa:2048 -nodes -keyout server-key.pem -out server.pem -days 2 ${names} && cp server.pem ca.pem`,
    ]);
    assert.equal(made.code, 0, made.stderr);
    rsyslog = await Rsyslog.start(engine.daemon.sandbox, directory, directory);
  });
  after(() => rsyslog[Symbol.asyncDispose]());

  for (const [what, address, options] of [
    ['udp', () => 'udp://127.0.0.1:5140', {}],
    ['tcp', () => 'tcp://127.0.0.1:5141', {}],
    ['unix', () => `unix://${directory}/stream.sock`, {}],
    ['unixgram', () => `unixgram://${directory}/datagram.sock`, {}],
    ['tcp+tls', () => 'tcp+tls://localhost:5142', { tls: true }],
  ] as const) {
    test(`${what}: each line with facility, severity and tag`, async () => {
      const word = `word-${what.replace('+', '-')}`;
      const id = await logging(
        'syslog',
        {
          'syslog-address': address(),
          'syslog-facility': 'local3',
          tag: '{{.ImageName}}/{{.Name}}',
          ...('tls' in options && { 'syslog-tls-ca-cert': join(directory, 'ca.pem') }),
        },
        `echo ${word} out; echo ${word} err >&2`,
      );
      const name = (await engine.inspect(id)).Name.slice(1);
      const [out, err] = await Promise.all([rsyslog.entry(`${word} out`), rsyslog.entry(`${word} err`)]);
      assert.equal(`${out.facility}.${out.severity}`, 'local3.info');
      assert.equal(`${err.facility}.${err.severity}`, 'local3.err');
      assert.match(
        out.raw,
        new RegExp(`^<158>[A-Z][a-z]{2} [ \\d]\\d \\d\\d:\\d\\d:\\d\\d busybox/${name}\\[\\d+\\]: ${word} out`),
      );
      assert.deepEqual(await engine.logs(id), { stdout: `${word} out\n`, stderr: `${word} err\n` });
      await engine.remove(id);
    });
  }

  for (const [format, pattern] of [
    ['rfc3164', `^<30>[A-Z][a-z]{2} [ \\d]\\d [\\d:]{8} ${hostname()} TAG\\[\\d+\\]: word-rfc3164$`],
    ['rfc5424', `^<30>1 [\\d-]{10}T[\\d:]{8}(Z|[+-]\\d\\d:\\d\\d) ${hostname()} TAG \\d+ TAG - word-rfc5424$`],
    [
      'rfc5424micro',
      `^<30>1 [\\d-]{10}T[\\d:]{8}\\.\\d{6}(Z|[+-]\\d\\d:\\d\\d) ${hostname()} TAG \\d+ TAG - word-rfc5424micro$`,
    ],
  ] as const) {
    test(`format ${format}`, async () => {
      const options = { 'syslog-address': 'tcp://127.0.0.1:5141', 'syslog-format': format };
      const id = await logging('syslog', options, `echo word-${format}`);
      const { raw, message } = await rsyslog.entry(`word-${format}`);
      assert.match(raw, new RegExp(pattern.replaceAll('TAG', id.slice(0, 12))));
      assert.equal(message.trim(), `word-${format}`);
      await engine.remove(id);
    });
  }

  test('rfc5424 over TLS is counted', async () => {
    const options = {
      'syslog-address': 'tcp+tls://localhost:5142',
      'syslog-tls-skip-verify': 'true',
      'syslog-format': 'rfc5424',
    };
    const id = await logging('syslog', options, 'echo counted one; echo counted two');
    assert.match((await rsyslog.entry('counted two')).raw, /^<30>1 .* - counted two$/);
    await engine.remove(id);
  });

  test('what is removed at its end is delivered all the same', async () => {
    const options = { 'syslog-address': 'tcp://127.0.0.1:5141' };
    const opts = Object.entries(options).flatMap(([name, value]) => ['--log-opt', `${name}=${value}`]);
    const ran = await engine.daemon.docker([
      'run',
      '--rm',
      '--log-driver=syslog',
      ...opts,
      'busybox',
      'echo',
      'last words',
    ]);
    assert.equal(ran.code, 0, ran.stderr);
    await rsyslog.entry('last words');
  });

  test('lines reach the receiver while the daemon is away', wharfOnly(), async () => {
    const options = { 'syslog-address': 'tcp://127.0.0.1:5141' };
    const id = await engine.started({
      Cmd: ['sh', '-c', 'until test -e /signs/go; do sleep 0.01; done; echo nobody home; sleep 1000'],
      StopSignal: 'SIGKILL',
      HostConfig: { LogConfig: { Type: 'syslog', Config: options }, Binds: [`${directory}:/signs`] },
    });
    await engine.daemon.kill();
    writeFileSync(join(directory, 'go'), '');
    await rsyslog.entry('nobody home');
    await engine.daemon.start();
    assert.equal((await engine.logs(id)).stdout, 'nobody home\n');
    await engine.remove(id);
  });
});

describe('gelf', () => {
  const inflate = { gzip: gunzipSync, zlib: inflateSync, none: (bytes: Buffer) => bytes };

  for (const compression of ['gzip', 'zlib', 'none'] as const) {
    test(`udp with ${compression}`, async () => {
      await using receiver = await RawReceiver.start(engine.daemon.sandbox, 'udp', 12201);
      const Config = {
        'gelf-address': 'udp://127.0.0.1:12201',
        'gelf-compression-type': compression,
        labels: 'tier',
        env: 'STAGE',
        tag: 'the tag',
      };
      const spec = { Labels: { tier: 'front' }, Env: ['STAGE=test'] };
      const id = await logging('gelf', Config, 'echo out; echo; sleep 0.05; echo err >&2', spec);
      const datagrams = await receiver.has((all) => (all.length >= 2 ? all : undefined));
      assert.equal(datagrams.length, 2, 'an empty line is none');
      const [out, err] = datagrams.map((bytes) => JSON.parse(inflate[compression](bytes).toString()));
      const { Name, Image, Created } = await engine.inspect(id);
      const { timestamp, ...fields } = out;
      assert.ok(Math.abs(timestamp - Date.now() / 1000) < 30);
      assert.deepEqual(fields, {
        version: '1.1',
        host: hostname(),
        short_message: 'out',
        level: 6,
        _command: 'sh -c echo out; echo; sleep 0.05; echo err >&2',
        _container_id: id,
        _container_name: Name.slice(1),
        _created: Created,
        _image_id: Image,
        _image_name: 'busybox',
        _tag: 'the tag',
        _tier: 'front',
        _STAGE: 'test',
      });
      assert.equal(err.short_message, 'err');
      assert.equal(err.level, 3);
      await engine.remove(id);
    });
  }

  test('udp: what is larger than a packet comes in chunks', async () => {
    await using receiver = await RawReceiver.start(engine.daemon.sandbox, 'udp', 12202);
    const Config = { 'gelf-address': 'udp://127.0.0.1:12202', 'gelf-compression-type': 'none' };
    const id = await logging('gelf', Config, 'seq -s, 1 1200');
    const chunks = await receiver.has((all) => (all.length > 0 && all.length === all[0]![11] ? all : undefined));
    assert.ok(chunks.length > 2);
    for (const [number, chunk] of chunks.entries()) {
      assert.deepEqual([...chunk.subarray(0, 2)], [0x1e, 0x0f]);
      assert.deepEqual(chunk.subarray(2, 10), chunks[0]!.subarray(2, 10));
      assert.deepEqual([...chunk.subarray(10, 12)], [number, chunks.length]);
      assert.ok(chunk.length <= 1420);
    }
    const whole = JSON.parse(Buffer.concat(chunks.map((chunk) => chunk.subarray(12))).toString());
    assert.equal(whole.short_message, Array.from({ length: 1200 }, (_, index) => index + 1).join(','));
    await engine.remove(id);
  });

  test('tcp: a zero byte ends each', async () => {
    await using receiver = await RawReceiver.start(engine.daemon.sandbox, 'tcp', 12203);
    const id = await logging('gelf', { 'gelf-address': 'tcp://127.0.0.1:12203' }, 'seq 3');
    const text = await receiver.has(
      ([only]) => (only?.toString().split('\0').length === 4 ? only.toString() : undefined),
      'connection',
    );
    const messages = text.split('\0').slice(0, -1);
    assert.deepEqual(
      messages.map((message) => JSON.parse(message).short_message),
      ['1', '2', '3'],
    );
    await engine.remove(id);
  });
});

type Entry = readonly [time: number | ExtData, record: Record<string, string>];
type ForwardMessage = readonly [tag: string, entries: readonly Entry[], option?: { size?: number; chunk?: string }];

/** Messages of the forward protocol, in any of its modes that has a plain record. */
function fluentdEntries(bytes: Buffer): { tag: string; time: number | ExtData; record: Record<string, string> }[] {
  const extensions = new ExtensionCodec();
  try {
    const messages = [...decodeMulti(bytes, { extensionCodec: extensions })] as (
      | ForwardMessage
      | readonly [string, ...Entry]
    )[];
    return messages.flatMap(([tag, second, third]) => {
      const entries = Array.isArray(second) ? (second as readonly Entry[]) : [[second, third] as unknown as Entry];
      return entries.map(([time, record]) => ({ tag, time, record }));
    });
  } catch {
    return [];
  }
}

describe('fluentd', () => {
  test('tcp: records with container, source, labels; whole seconds', async () => {
    await using receiver = await RawReceiver.start(engine.daemon.sandbox, 'tcp', 24224);
    const Config = { 'labels-regex': '^ti', tag: 'app.{{.ID}}' };
    const id = await logging('fluentd', Config, 'echo out; sleep 0.05; echo err >&2', { Labels: { tier: 'front' } });
    const entries = await receiver.has(([only]) => {
      const found = fluentdEntries(only ?? Buffer.alloc(0));
      return found.length === 2 ? found : undefined;
    }, 'connection');
    const container = { container_id: id, container_name: (await engine.inspect(id)).Name, tier: 'front' };
    assert.deepEqual(
      entries.map(({ record }) => record),
      [
        { ...container, source: 'stdout', log: 'out' },
        { ...container, source: 'stderr', log: 'err' },
      ],
    );
    for (const { tag, time } of entries) {
      assert.equal(tag, `app.${id.slice(0, 12)}`);
      assert.ok(Math.abs(Number(time) - Date.now() / 1000) < 30, String(time));
    }
    await engine.remove(id);
  });

  test('nanoseconds, and pieces of a long line', async () => {
    await using receiver = await RawReceiver.start(engine.daemon.sandbox, 'tcp', 24225);
    const Config = { 'fluentd-address': '127.0.0.1:24225', 'fluentd-sub-second-precision': 'true' };
    const id = await logging('fluentd', Config, "head -c 40000 /dev/zero | tr '\\0' x; echo");
    const entries = await receiver.has(([only]) => {
      const found = fluentdEntries(only ?? Buffer.alloc(0));
      return found.length === 3 ? found : undefined;
    }, 'connection');
    assert.deepEqual(
      entries.map(({ record }) => record.log!.length),
      [16384, 16384, 7232],
    );
    assert.deepEqual(
      entries.map(({ record }) => [record.partial_ordinal, record.partial_last]),
      [
        ['1', 'false'],
        ['2', 'false'],
        ['3', 'true'],
      ],
    );
    assert.equal(new Set(entries.map(({ record }) => record.partial_id)).size, 1);
    const { type, data } = entries[0]!.time as ExtData;
    assert.equal(type, 0);
    assert.ok(Math.abs(Buffer.from(data as Uint8Array).readUInt32BE(0) - Date.now() / 1000) < 30);
    await engine.remove(id);
  });

  test('acknowledged', async () => {
    await using receiver = await RawReceiver.start(engine.daemon.sandbox, 'tcp', 24226, 'acknowledge');
    const Config = { 'fluentd-address': '127.0.0.1:24226', 'fluentd-request-ack': 'true' };
    const id = await logging('fluentd', Config, 'for i in 1 2 3; do echo $i; sleep 0.05; done');
    const entries = await receiver.has(([only]) => {
      const found = fluentdEntries(only ?? Buffer.alloc(0));
      return found.length === 3 ? found : undefined;
    }, 'connection');
    assert.deepEqual(
      entries.map(({ record }) => record.log),
      ['1', '2', '3'],
    );
    await engine.remove(id);
  });

  test('a receiver that comes late gets everything, in order', wharfOnly(), async () => {
    const Config = { 'fluentd-address': '127.0.0.1:24227', 'fluentd-async': 'true', 'fluentd-retry-wait': '100ms' };
    const id = await logging('fluentd', Config, 'seq 100');
    await using receiver = await RawReceiver.start(engine.daemon.sandbox, 'tcp', 24227);
    const entries = await receiver.has(([only]) => {
      const found = fluentdEntries(only ?? Buffer.alloc(0));
      return found.length === 100 ? found : undefined;
    }, 'connection');
    assert.deepEqual(
      entries.map(({ record }) => Number(record.log)),
      Array.from({ length: 100 }, (_, index) => index + 1),
    );
    await engine.remove(id);
  });
});

describe('a receiver that never listens', wharfOnly(), () => {
  const nobody = { 'fluentd-address': '127.0.0.1:24999', 'cache-max-size': '20k', 'cache-max-file': '2' };

  test('holds the container back once its place on disk is full', async () => {
    const id = await engine.started({
      Cmd: ['sh', '-c', 'seq 1 1000000; echo done >&2'],
      StopSignal: 'SIGKILL',
      HostConfig: { LogConfig: { Type: 'fluentd', Config: nobody } },
    });
    let before = -1;
    let { stdout } = await engine.logs(id);
    for (; stdout.length < 500 || stdout.length !== before; { stdout } = await engine.logs(id)) before = stdout.length;
    assert.ok(stdout.startsWith('1\n2\n3\n'), stdout.slice(0, 20));
    assert.equal((await engine.inspect(id)).State.Status, 'running');
    await engine.remove(id);
  });

  test('does not with mode=non-blocking', async () => {
    const id = await logging('fluentd', { ...nobody, mode: 'non-blocking', 'max-buffer-size': '64k' }, 'seq 1 100000');
    assert.equal((await engine.logs(id, '&tail=1')).stdout, '100000\n');
    await engine.remove(id);
  });
});

describe('journald', () => {
  let journald: ReceiverProcess;
  let machine: string;
  before(async () => {
    const { sandbox } = engine.daemon;
    const setUp =
      'mkdir -p /run/systemd/journal /run/log/journal && touch /run/machine-id && echo 0123456789abcdef0123456789abcdef >/run/machine-id';
    assert.equal((await sandbox.run(['sh', '-c', setUp])).code, 0);
    machine = (await sandbox.run(['cat', '/etc/machine-id'])).stdout.trim();
    const listening = (async () => {
      // It says nothing when it is ready: its socket is there then.
      while ((await sandbox.run(['test', '-S', '/run/systemd/journal/socket'])).code !== 0);
    })();
    journald = await ReceiverProcess.start(sandbox, ['/lib/systemd/systemd-journald'], listening);
  });
  after(() => journald[Symbol.asyncDispose]());

  test('fields of the container', async () => {
    const Config = { labels: 'com.example/tier', tag: 'T{{.Name}}' };
    const id = await logging('journald', Config, 'echo out; echo err >&2', { Labels: { 'com.example/tier': 'front' } });
    const { Name } = await engine.inspect(id);
    const query = [
      'journalctl',
      '-D',
      `/run/log/journal/${machine}`,
      '-o',
      'json',
      '--no-pager',
      `CONTAINER_ID_FULL=${id}`,
    ];
    let entries: Record<string, string>[] = [];
    while (entries.length < 2) {
      const { stdout } = await engine.daemon.sandbox.run(query);
      entries = stdout
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line));
    }
    const out = entries.find(({ MESSAGE }) => MESSAGE === 'out')!;
    const err = entries.find(({ MESSAGE }) => MESSAGE === 'err')!;
    assert.equal(out.PRIORITY, '6');
    assert.equal(err.PRIORITY, '3');
    const expected = {
      CONTAINER_ID: id.slice(0, 12),
      CONTAINER_NAME: Name.slice(1),
      CONTAINER_TAG: `T${Name.slice(1)}`,
      SYSLOG_IDENTIFIER: `T${Name.slice(1)}`,
      IMAGE_NAME: 'busybox',
      COM_EXAMPLE_TIER: 'front',
    };
    for (const [name, value] of Object.entries(expected)) assert.equal(out[name], value, name);
    assert.equal((await engine.logs(id)).stdout, 'out\n');
    await engine.remove(id);
  });
});

describe('options that are refused', () => {
  for (const [Type, Config, message, since] of [
    ['syslog', { 'syslog-address': 'http://x' }, 'syslog-address should be in form proto://address, got http://x'],
    ['syslog', { 'syslog-facility': 'lunch' }, 'invalid syslog facility'],
    ['syslog', { 'syslog-format': 'rfc1' }, 'Invalid syslog format'],
    ['syslog', { colour: 'red' }, "unknown log opt 'colour' for syslog log driver"],
    ['gelf', {}, 'gelf-address is a required parameter'],
    ['gelf', { 'gelf-address': 'unix:///x' }, 'gelf: endpoint needs to be TCP or UDP'],
    ['gelf', { 'gelf-address': 'x://h' }, 'gelf-address should be in form proto://address, got x://h'],
    ['gelf', { 'gelf-address': 'udp://h:1', colour: 'red' }, 'unknown log opt "colour" for gelf log driver'],
    ['fluentd', { colour: 'red' }, "unknown log opt 'colour' for fluentd log driver"],
    ['fluentd', { 'fluentd-address': 'udp://x' }, "unsupported scheme: 'udp'", '23.0'],
    ['journald', { colour: 'red' }, "unknown log opt 'colour' for journald log driver"],
    ['json-file', { colour: 'red' }, "unknown log opt 'colour' for json-file log driver"],
    ['local', { colour: 'red' }, "unknown log opt 'colour' for log driver local"],
    ['json-file', { mode: 'sometimes' }, 'logger: logging mode not supported: sometimes'],
    [
      'json-file',
      { 'max-buffer-size': '1m' },
      "logger: max-buffer-size option is only supported with 'mode=non-blocking'",
    ],
  ] as const) {
    test(`${Type} ${JSON.stringify(Config)}`, dockerSince(since ?? '1.0'), async () => {
      const answer = await engine.api('POST', '/containers/create', {
        Image: 'busybox',
        HostConfig: { LogConfig: { Type, Config } },
      });
      assert.equal(answer.status, 400, answer.text);
      assert.ok(answer.json.message.includes(message), answer.json.message);
    });
  }

  test('a tag that is no template, at the start', async () => {
    const Config = { tag: '{{.Nonsense}}' };
    const id = await engine.create({ HostConfig: { LogConfig: { Type: 'json-file', Config } } });
    const answer = await engine.api('POST', `/containers/${id}/start`);
    assert.equal(answer.status, 500, answer.text);
    assert.match(
      answer.json.message,
      /template: log-tag:1:2: executing "log-tag" at <\.Nonsense>: can't evaluate field Nonsense in type \*logger\.Info|logger\.Info/,
    );
    await engine.remove(id);
  });
});

test('a copy that nobody wants cannot be read back', wharfOnly(), async () => {
  await using receiver = await RawReceiver.start(engine.daemon.sandbox, 'udp', 12209);
  const id = await logging('gelf', { 'gelf-address': 'udp://127.0.0.1:12209', 'cache-disabled': 'true' }, 'echo gone');
  await receiver.has((all) => (all.length === 1 ? all : undefined));
  const answer = await engine.api('GET', `/containers/${id}/logs?stdout=1`);
  assert.equal(answer.status, 501);
  assert.match(answer.text, /configured logging driver does not support reading/);
  await engine.remove(id);
});
