import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Database, openDatabase } from './database.ts';

interface Row {
  readonly value: number;
}

function withDatabase(body: (database: Database, reopen: () => Database) => Promise<void> | void) {
  return async () => {
    const directory = mkdtempSync(join(tmpdir(), 'wharf-database-'));
    const path = join(directory, 'meta.db');
    try {
      await body(openDatabase(path), () => openDatabase(path));
    } finally {
      rmSync(directory, { recursive: true });
    }
  };
}

test(
  'what was put is there for another reader at once, relaxed or not, in order of insertion',
  withDatabase((database, reopen) => {
    for (const relaxed of [true, false]) {
      const name = `rows-${relaxed}`;
      const rows = database.collection<Row>(name, { relaxed });
      for (const id of ['b', 'a', 'c']) rows.put(id, { value: 1 });
      rows.put('b', { value: 2 });
      rows.delete('a');
      assert.deepEqual(
        [...reopen().collection<Row>(name).entries()],
        [
          ['b', { value: 2 }],
          ['c', { value: 1 }],
        ],
      );
    }
  }),
);

test(
  'a transaction that throws leaves memory and file as they were',
  withDatabase((database, reopen) => {
    const rows = database.collection<Row>('rows', { relaxed: true });
    rows.put('a', { value: 1 });
    assert.throws(() =>
      database.transaction(() => {
        rows.put('a', { value: 2 });
        rows.put('b', { value: 3 });
        throw new Error('no');
      }),
    );
    assert.deepEqual([...rows.entries()], [['a', { value: 1 }]]);
    assert.deepEqual([...reopen().collection<Row>('rows').entries()], [['a', { value: 1 }]]);
  }),
);

test(
  'flushes that overlap are shared',
  withDatabase(async (database) => {
    database.collection<Row>('rows', { relaxed: true }).put('a', { value: 1 });
    const first = database.flush();
    const second = database.flush();
    assert.notEqual(first, second);
    assert.equal(database.flush(), second);
    await Promise.all([first, second]);
    await database.flush();
  }),
);
