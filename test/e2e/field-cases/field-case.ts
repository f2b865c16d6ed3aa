import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import type { ContainerSpec, Fixture } from '../../harness/fixture.ts';
import { target } from '../../harness/target.ts';

/** One way to set a field, and how its effect is seen. */
export interface FieldCase {
  readonly name: string;
  readonly skip?: string | false | undefined;
  run(engine: Fixture): Promise<void>;
}

interface CaseOptions {
  readonly skip?: string | false | undefined;
}

/** `script` runs in a container made so; `expected` is all that it prints. */
export function inside(
  name: string,
  spec: ContainerSpec,
  script: string,
  expected: string | RegExp,
  { skip = false }: CaseOptions = {},
): FieldCase {
  return {
    name,
    skip,
    async run(engine) {
      const { stdout, stderr } = await engine.sh(script, spec);
      if (typeof expected === 'string') assert.equal(stdout.trim(), expected, stderr);
      else assert.match(stdout.trim(), expected, stderr);
    },
  };
}

/** Create says no, in Docker's words, and leaves nothing. */
export function refused(
  name: string,
  spec: ContainerSpec,
  status: number,
  message: RegExp,
  { skip = false }: CaseOptions = {},
): FieldCase {
  return {
    name: `refused: ${name}`,
    skip,
    async run(engine) {
      const answer = await engine.api('POST', '/containers/create', { Image: 'busybox', Cmd: ['true'], ...spec });
      if (answer.status === 201) await engine.remove(answer.json.Id);
      assert.match(answer.json.message ?? 'created', message);
      // The machine's dockerd answers 500 to much that later ones answer properly.
      if (target === 'wharf') assert.equal(answer.status, status, answer.text);
    },
  };
}

/** Create says yes, the start no. */
export function refusedAtStart(
  name: string,
  spec: ContainerSpec,
  message: RegExp,
  { skip = false }: CaseOptions = {},
): FieldCase {
  return {
    name: `refused at start: ${name}`,
    skip,
    async run(engine) {
      const id = await engine.create({ Cmd: ['true'], ...spec });
      const answer = await engine.api('POST', `/containers/${id}/start`);
      await engine.remove(id);
      assert.ok(answer.status >= 400, `it started: ${answer.status}`);
      assert.match(answer.json.message, message);
    },
  };
}

/** Inspect gives back what create was told, or what the daemon made of it. */
export function shown(
  name: string,
  spec: ContainerSpec,
  look: (inspected: Inspected) => unknown,
  expected: unknown,
  { skip = false }: CaseOptions = {},
): FieldCase {
  return {
    name,
    skip,
    async run(engine) {
      const id = await engine.create({ Cmd: ['true'], ...spec });
      const seen = look(await engine.inspect(id));
      await engine.remove(id);
      assert.deepEqual(seen, expected);
    },
  };
}

/** Anything else that can be looked at. */
export function seen(
  name: string,
  run: (engine: Fixture) => Promise<void>,
  { skip = false }: CaseOptions = {},
): FieldCase {
  return { name, skip, run };
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
export type Inspected = any;

/** A file of the container's own cgroup: v1's name, or v2's. */
export function limit(v1: string, v2: string): string {
  return `cat /sys/fs/cgroup/${v1} 2>/dev/null || cat /sys/fs/cgroup/${v2}`;
}

export function unlessExists(path: string): CaseOptions {
  return { skip: existsSync(path) ? false : `a kernel without ${path}` };
}

/** What `script` prints on a terminal of its own. */
export async function onTerminal(engine: Fixture, script: string, spec: ContainerSpec = {}): Promise<string> {
  const id = await engine.started({ Cmd: ['sh', '-c', script], Tty: true, ...spec });
  await engine.wait(id);
  const { text } = await engine.api('GET', `/containers/${id}/logs?stdout=1`);
  await engine.remove(id);
  return text.trim();
}
