import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { type StatusResponse, StatusResponseSchema } from '@wharf/build/pb/control_pb';
import { MemoryOutput } from '../terminal/output.ts';
import { PlainDisplay } from './plain-display.ts';
import { TerminalDisplay } from './terminal-display.ts';

const at = (seconds: number) => ({ seconds: BigInt(1000 + seconds), nanos: 0 });

const told: readonly StatusResponse[] = [
  create(StatusResponseSchema, { vertexes: [{ digest: 'a', name: '[1/2] FROM busybox', started: at(0) }] }),
  create(StatusResponseSchema, {
    statuses: [{ ID: 'layer', vertex: 'a', current: 500n, total: 2000n, timestamp: at(1), started: at(0) }],
  }),
  create(StatusResponseSchema, {
    vertexes: [
      { digest: 'a', name: '[1/2] FROM busybox', started: at(0), completed: at(2) },
      { digest: 'b', name: '[2/2] RUN x', started: at(2) },
    ],
    logs: [{ vertex: 'b', stream: 1n, msg: Buffer.from('one\n\x1b[2Jtwo'), timestamp: at(3) }],
  }),
  create(StatusResponseSchema, {
    vertexes: [{ digest: 'b', name: '[2/2] RUN x', started: at(2), completed: at(4), error: 'failed' }],
  }),
];

describe('progress of builds', () => {
  test('plain: lines that only grow', () => {
    const output = new MemoryOutput();
    const display = new PlainDisplay(output);
    for (const status of told) display.add(status);
    display.end();
    assert.equal(
      output.text,
      '#1 [1/2] FROM busybox\n#1 layer 500B / 2.00kB 1.0s\n#1 DONE 2.0s\n\n' +
        '#2 [2/2] RUN x\n#2 1.000 one\n#2 \x1b[2Jtwo\n#2 ERROR: failed\n',
    );
  });

  test('terminal: drawn in place, as wide as the terminal, in colours that were asked for', () => {
    for (const colours of [true, false]) {
      const output = new MemoryOutput();
      const size = () => ({ rows: 24, columns: 40 });
      const display = new TerminalDisplay(output, { colours, size, title: 'docker:default' });
      for (const status of told) display.add(status);
      display.end();
      assert.match(output.text, /\[\+\] Building \d\.\ds \(2\/2\) +docker:default/);
      assert.match(output.text, / => \[1\/2\] FROM busybox +2\.0s/);
      assert.match(output.text, / => ERROR \[2\/2\] RUN x +2\.0s/);
      assert.equal(output.text.includes('\x1b[31m'), colours);
      const shown = output.text.replace(/\x1b\[[0-9;]*[A-Za-z]/g, '').split('\n');
      for (const line of shown) assert.ok(line.replace('\r', '').length < 40, line);
    }
  });
});
