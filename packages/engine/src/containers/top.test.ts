import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePsOutput } from './top.ts';

const output = `UID          PID    PPID  C STIME TTY          TIME CMD
root           1       0  0 20:00 ?        00:00:01 /sbin/init splash
root          42       1  0 20:01 ?        00:00:00 sh -c  sleep 10
`;

test('top: only the processes of the container, the command with its blanks', () => {
  assert.deepEqual(parsePsOutput(output, new Set([42])), {
    Titles: ['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD'],
    Processes: [['root', '42', '1', '0', '20:01', '?', '00:00:00', 'sh -c sleep 10']],
  });
});

test('top: output without pids is an error', () => {
  assert.throws(() => parsePsOutput('CMD\nsh\n', new Set([1])), /Couldn't find PID field in ps output/);
});
