import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Digest } from '@wharf/oci/digest';
import { CacheConfig, type CacheLayer, encodeCacheConfig, encodeInlineCache, type StepResult } from './cache-config.ts';

function digest(digit: string): Digest {
  return `sha256:${digit.repeat(64)}`;
}

function layerOf(diffId: Digest): CacheLayer {
  return { diffId, createdAt: undefined, descriptor: { mediaType: 'x', digest: diffId, size: 1 } };
}

/** As if every layer was there under the digest that it is named by. */
function read(value: unknown): CacheConfig {
  return new CacheConfig(value, (_, { blob }) => layerOf(blob));
}

function result(step: string, ...layers: string[]): StepResult {
  return { step: digest(step), definition: undefined, diffIds: layers.map(digest), createdAt: undefined };
}

function found(config: CacheConfig, name: string): string[] | undefined {
  return config.find(digest(name))?.layers.map(({ diffId }) => diffId.slice(-1));
}

describe('cache config', () => {
  test('what is written is read again, by step and by definition', () => {
    const results = [
      { ...result('a', '1', '2'), definition: digest('d'), createdAt: 5000 },
      result('b', '1', '3', '2'),
      result('c', '1'),
    ];
    const config = read(JSON.parse(JSON.stringify(encodeCacheConfig(results, layerOf))));
    assert.deepEqual(found(config, 'a'), ['1', '2']);
    assert.deepEqual(found(config, 'd'), ['1', '2']);
    assert.deepEqual(found(config, 'b'), ['1', '3', '2']);
    assert.deepEqual(found(config, 'c'), ['1']);
    assert.equal(config.find(digest('a'))?.createdAt, 5000);
    assert.deepEqual(config.stepsOf([digest('1'), digest('2')]), [digest('a')]);
    assert.equal(found(config, 'e'), undefined);
  });

  test('the order of steps makes no difference', () => {
    const results = [result('b', '1', '2'), result('a', '1')];
    const encoded = encodeCacheConfig(results, layerOf);
    assert.deepEqual(encodeCacheConfig(results.toReversed(), layerOf), encoded);
  });

  test('an image has steps of its own layers alone, by their places', () => {
    const image = ['1', '2', '3'].map(digest);
    const bytes = encodeInlineCache([result('a', '1', '2'), result('b', '1', '3'), result('c', '1', '4')], image);
    const records = JSON.parse(Buffer.from(bytes!).toString());
    const config = read({ layers: image.map((blob, index) => ({ blob, parent: index - 1 })), records });
    assert.deepEqual(found(config, 'a'), ['1', '2']);
    assert.deepEqual(found(config, 'b'), ['1', '3']);
    assert.equal(found(config, 'c'), undefined);
    assert.equal(encodeInlineCache([result('c', '4')], image), undefined);
  });
});

describe('hostile cache configs', () => {
  const refused: [string, unknown, RegExp][] = [
    ['no object', [], /no object/],
    ['layers that are none', { layers: 'many' }, /layers is no list/],
    ['too many layers', { layers: new Array(20_001).fill({}) }, /20001 layers are more than 20000/],
    ['too many records', { records: new Array(50_001).fill({}) }, /50001 records are more than 50000/],
  ];
  for (const [name, value, message] of refused) {
    test(`${name}: refused`, () => assert.throws(() => read(value), message));
  }

  const layer = (parent: unknown, blob: unknown = digest('1')) => ({ blob, parent });
  const deep = Array.from({ length: 600 }, (_, index) => layer(index - 1));
  const lost: [string, unknown[], object][] = [
    ['a circle', [layer(1), layer(0)], { layers: [{ layer: 1 }] }],
    ['a layer on itself', [layer(0)], { layers: [{ layer: 0 }] }],
    ['a place beyond the end', [layer(-1)], { layers: [{ layer: 7 }] }],
    ['a place below nothing', [layer(-1)], { layers: [{ layer: -3 }] }],
    ['a parent that is no number', [layer('0')], { layers: [{ layer: 0 }] }],
    ['too deep', deep, { layers: [{ layer: 599 }] }],
    ['a blob that is no text', [layer(-1, 5)], { layers: [{ layer: 0 }] }],
    ['a chain of nothing', [layer(-1)], { chains: [{ layers: [] }] }],
    ['a chain that leads nowhere', [layer(-1)], { chains: [{ layers: [0, 9] }] }],
    ['no result', [layer(-1)], {}],
  ];
  for (const [name, layers, fields] of lost) {
    test(`${name}: not found`, () => {
      const config = read({ layers, records: [{ digest: digest('a'), ...fields }, 'none', null, { digest: 5 }] });
      assert.equal(found(config, 'a'), undefined);
      assert.deepEqual(config.stepsOf([digest('1')]), []);
    });
  }
});
