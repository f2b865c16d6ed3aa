import assert from 'node:assert/strict';
import { Daemon } from './daemon.ts';
import { type Fixture, removeEverything } from './fixture.ts';

let count = 0;

/** A daemon beside a fixture's, with a data root of its own that has nothing in it. */
export async function emptyDaemon({ daemon: { sandbox } }: Fixture, env: Record<string, string> = {}) {
  const daemon = new Daemon(sandbox, { name: `empty${++count}` });
  await daemon.start(env);
  return Object.assign(daemon, {
    async [Symbol.asyncDispose]() {
      await removeEverything(daemon);
      await daemon.stop();
    },
  });
}

/** Builds a directory by `wharf build` and gives what it says of it. */
export async function wharfBuild(daemon: Daemon, from: string, ...options: string[]): Promise<string> {
  const { code, stderr } = await daemon.wharf(['build', '--progress', 'plain', ...options, from]);
  assert.equal(code, 0, stderr);
  return stderr;
}

/** The id of an image, which is the same only for the same layers, config and times. */
export async function imageId(daemon: Daemon, name: string): Promise<string> {
  const answer = await daemon.api('GET', `/images/${name}/json`);
  assert.equal(answer.status, 200, answer.text);
  return answer.json.Id;
}
