import { randomBytes } from 'node:crypto';
import { tarOf } from '@wharf/store/layers/tar-fixture';
import { LyingRegistry } from './lying-registry.ts';
import { type FixtureOptions, TransferFixture } from './transfer-fixture.ts';

/** For tests: a layer with a file of random bytes, which no compression makes smaller. */
export function randomTar(size: number, name = 'file'): Buffer {
  return tarOf({ type: 'file', name, content: randomBytes(size) });
}

/** For tests: a registry that can lie, and a store that pulls from its repository `name`. */
export async function besideRegistry(options: FixtureOptions = {}) {
  const registry = await new LyingRegistry().open();
  const fixture = new TransferFixture(options);
  return {
    registry,
    fixture,
    name: `${registry.host}/a`,
    async [Symbol.asyncDispose]() {
      await fixture[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
    },
  };
}
