import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Exposition } from './exposition.ts';

test('metrics: a family is named once, whatever comes between its samples', () => {
  const exposition = new Exposition();
  exposition.add('a_total', { type: 'counter', help: 'Of a.' }, { name: 'x' }, 1);
  exposition.add('b', { type: 'gauge', help: 'Of b.' }, {}, 0.5);
  exposition.add('a_total', { type: 'counter', help: 'Of a.' }, { name: 'y' }, 2);
  const text = '# HELP a_total Of a.\n# TYPE a_total counter\na_total{name="x"} 1\na_total{name="y"} 2\n';
  assert.equal(exposition.format(), `${text}# HELP b Of b.\n# TYPE b gauge\nb 0.5\n`);
});

test('metrics: an image named by somebody hostile ends no label', () => {
  const exposition = new Exposition();
  exposition.add('a', { type: 'gauge', help: 'Of a.' }, { image: 'x"} 1\nb\\' }, 1);
  assert.equal(exposition.format().split('\n')[2], 'a{image="x\\"} 1\\nb\\\\"} 1');
});
