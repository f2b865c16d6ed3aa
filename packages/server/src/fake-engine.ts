import { Duplex } from 'node:stream';
import type { Engine } from '@wharf/engine/engine';

type Method = (...parameters: never[]) => unknown;

/** An engine of the methods a test gives; every other one fails the test that calls it. */
export function fakeEngine(methods: Readonly<Record<string, Method>>): Engine {
  const nouns = ['containers', 'exec', 'images', 'networks', 'volumes', 'builds', 'registry', 'system'];
  const entries = nouns.map((noun) => {
    const useCases = new Proxy(
      {},
      {
        get(_target, verb) {
          const name = `${noun}.${String(verb)}`;
          return (
            methods[name] ??
            (() => {
              throw new Error(`unexpected call of ${name}`);
            })
          );
        },
      },
    );
    return [noun, useCases];
  });
  return { warm: () => {}, ...Object.fromEntries(entries) } as Engine;
}

/** A process's stdio: what is written comes back as output, after EOF a last word. */
export function echoStream(lastWord: string): Duplex {
  return new Duplex({
    read() {},
    write(chunk, _encoding, done) {
      this.push(chunk);
      done();
    },
    final(done) {
      this.push(lastWord);
      this.push(null);
      done();
    },
  });
}
