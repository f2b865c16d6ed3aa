import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ContainerSummary } from '@wharf/api/container';
import type { ImageSummary } from '@wharf/api/image';
import { goPrint, goQuote } from '@wharf/base/template/go-print';
import { formatInspected } from '../commands/inspect-all.ts';
import { containerRow, containerStyle } from './container-rows.ts';
import { imageRows, imageStyle } from './image-rows.ts';
import { indentJson } from './json-indent.ts';
import { formatList } from './list.ts';
import { byNaturalOrder } from './natural-order.ts';
import { formatPorts } from './ports.ts';
import { shortImage } from './short-image.ts';

const port = (IP: string, PublicPort: number, PrivatePort: number, Type = 'tcp') => ({
  IP,
  PublicPort,
  PrivatePort,
  Type,
});

describe('ports of ps', () => {
  const rows: [ports: Parameters<typeof formatPorts>[0], expected: string][] = [
    [[], ''],
    [[{ PrivatePort: 80, Type: 'tcp' }], '80/tcp'],
    [[port('0.0.0.0', 80, 80)], '0.0.0.0:80->80/tcp'],
    [[port('0.0.0.0', 8080, 80), port('::', 8080, 80)], '0.0.0.0:8080->80/tcp, [::]:8080->80/tcp'],
    [[82, 80, 81].map((p) => port('0.0.0.0', p, p)), '0.0.0.0:80-82->80-82/tcp'],
    [[80, 81, 90].map((p) => ({ PrivatePort: p, Type: 'udp' })), '80-81/udp, 90/udp'],
    [[port('0.0.0.0', 8001, 81), { PrivatePort: 80, Type: 'tcp' }], '80/tcp, 0.0.0.0:8001->81/tcp'],
  ];
  for (const [ports, expected] of rows) test(expected || 'none', () => assert.equal(formatPorts(ports), expected));
});

const container = {
  Id: '1ecb40f29ff1e81466f2aeadbb6a2ab31de414bba7aadb6d6b3a4c68f9f39990',
  Names: ['/other/link', '/web'],
  Image: 'docker.io/library/app@sha256:aaaa4567b911a77c4e484cea1e59bf080b807e702715e91f8854c78c29d8f3fa',
  ImageID: 'sha256:df2e4567b911a77c4e484cea1e59bf080b807e702715e91f8854c78c29d8f3fa',
  Command: 'sh -c "sleep 1000000000"',
  Created: Math.floor(Date.now() / 1000) - 125,
  Ports: [],
  Labels: { b: '2', a: '1' },
  State: 'running',
  Status: 'Up 2 minutes',
  Mounts: [],
  NetworkSettings: { Networks: {} },
} as unknown as ContainerSummary;

const list = (format: string, quiet = false) =>
  formatList([containerRow(container, true, shortImage)], format, quiet, containerStyle(false));

describe('lists', () => {
  test('a table has docker’s columns and widths', () => {
    assert.equal(
      list(''),
      'CONTAINER ID   IMAGE     COMMAND                   CREATED         STATUS         PORTS     NAMES\n' +
        '1ecb40f29ff1   app       "sh -c \\"sleep 100000…"   2 minutes ago   Up 2 minutes             web\n',
    );
  });
  test('a table of one’s own', () => {
    assert.equal(list('table {{.ID}}\\t{{.Label "com.x.my-label"}}'), 'CONTAINER ID   my label\n1ecb40f29ff1   \n');
  });
  test('quiet, template and json', () => {
    assert.equal(list('', true), '1ecb40f29ff1\n');
    assert.equal(list('{{.Names}}: {{.Labels}}'), 'web: a=1,b=2\n');
    assert.match(list('json'), /^\{"Command":.*"Status":"Up 2 minutes"\}\n$/);
  });
});

test('an image has a row for each name', () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  const image = {
    Id: digest,
    RepoTags: ['app:1', 'app:2', 'r.io/x:3'],
    RepoDigests: [`app@${digest}`],
    Created: 0,
    Size: 1e6,
    SharedSize: -1,
    Containers: -1,
  } as unknown as ImageSummary;
  const names = (withDigests: boolean) =>
    formatList(
      imageRows(image, { truncate: true, withDigests, digestRows: false }),
      '{{.Repository}}:{{.Tag}} {{.Digest}}',
      false,
      imageStyle(false),
    );
  assert.equal(names(false), 'app:1 <none>\napp:2 <none>\nr.io/x:3 <none>\n');
  assert.equal(names(true), `app:1 ${digest}\napp:2 ${digest}\nr.io/x:3 <none>\n`);
});

test('JSON is laid out without touching its literals', () => {
  assert.equal(
    indentJson('[{"a":9223372036854775807,"b":[],"c":{ },"d":[1,"x:{,}\\"\\u003c"]}]'),
    '[\n    {\n        "a": 9223372036854775807,\n        "b": [],\n        "c": {},\n        "d": [\n            1,\n            "x:{,}\\"\\u003c"\n        ]\n    }\n]',
  );
});

describe('inspect', () => {
  const object =
    '{"Id":"x","Config":{"Env":null},"HostConfig":{"PidsLimit":null,"PortBindings":null},"State":{},"Labels":{"a":"b"}}';
  const rows: [format: string, expected: string][] = [
    ['{{.Id}} {{.ID}}', 'x x\n'],
    ['{{.Config.Env}} {{.HostConfig.PidsLimit}} {{.HostConfig.PortBindings}}', '[] <nil> map[]\n'],
    ['{{json .Config.Env}} {{len .Config.Env}}', 'null 0\n'],
    ['{{if .State.Health}}h{{else}}none{{end}}', 'none\n'],
    ['{{.Labels.none}} {{index .Labels "none"}}', '<no value> \n'],
    ['json', `[${object}]\n`],
  ];
  for (const [format, expected] of rows) test(format, () => assert.equal(formatInspected([object], format), expected));
  test('nothing found is an empty list', () => assert.equal(formatInspected([], ''), '[]\n'));
});

test('numbers inside names sort as numbers', () => {
  assert.deepEqual(['v10', 'v9', 'v1', 'a', 'v'].sort(byNaturalOrder), ['a', 'v', 'v1', 'v9', 'v10']);
});

test('Go’s quotes and prints', () => {
  assert.equal(goQuote('a"b\\\n\u0001é…'), '"a\\"b\\\\\\n\\x01é…"');
  assert.equal(goPrint({ b: null, a: [1, true, 'x'] }), 'map[a:[1 true x] b:<nil>]');
});
