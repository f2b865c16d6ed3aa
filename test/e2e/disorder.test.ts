import assert from 'node:assert/strict';
import { test } from 'node:test';
import { useDaemon } from '../harness/fixture.ts';
import { wharfOnly } from '../harness/target.ts';

const engine = useDaemon();

const clients = 12;
const requests = 60;
const names = ['d0', 'd1', 'd2', 'd3', 'd4', 'd5'];

interface Request {
  readonly method: string;
  readonly url: string;
  readonly body?: object;
}

/** A small generator, so that a failure can be repeated with its seed. */
function randomness(seed: number): <T>(choices: readonly T[]) => T {
  let state = seed;
  return (choices) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return choices[state % choices.length]!;
  };
}

function nextRequest(pick: ReturnType<typeof randomness>): Request {
  const name = pick(names);
  const post = (url: string, body?: object): Request => ({ method: 'POST', url, ...(body && { body }) });
  return pick<() => Request>([
    () =>
      post(`/containers/create?name=${name}`, {
        Image: 'busybox',
        Cmd: [
          'sh',
          '-c',
          pick(['sleep 0.05', 'sleep 100', 'exit 3', 'trap "exit 0" TERM; while :; do sleep 0.02; done']),
        ],
        HostConfig: pick<object>([{}, { AutoRemove: true }, { RestartPolicy: { Name: 'always' } }]),
        Volumes: pick<object>([{}, { '/scratch': {} }]),
      }),
    () => post(`/containers/${name}/start`),
    () => post(`/containers/${name}/start`),
    () => post(`/containers/${name}/stop?t=0`),
    () => post(`/containers/${name}/kill`),
    () => post(`/containers/${name}/restart?t=0`),
    () => post(`/containers/${name}/pause`),
    () => post(`/containers/${name}/unpause`),
    () => post(`/containers/${name}/rename?name=${pick(names)}`),
    () => post(`/containers/${name}/exec`, { Cmd: ['true'] }),
    () => post('/containers/prune'),
    () => ({ method: 'DELETE', url: `/containers/${name}?v=1` }),
    () => ({ method: 'DELETE', url: `/containers/${name}?v=1&force=1` }),
    () => ({ method: 'GET', url: `/containers/${name}/json` }),
    () => ({ method: 'GET', url: `/containers/${name}/top` }),
    () => ({ method: 'GET', url: `/containers/${name}/logs?stdout=1` }),
    () => ({ method: 'GET', url: '/containers/json?all=1&size=1' }),
  ])();
}

async function client(seed: number): Promise<string[]> {
  const pick = randomness(seed);
  const failures: string[] = [];
  for (let count = 0; count < requests; count += 1) {
    const { method, url, body } = nextRequest(pick);
    const answer = await engine.api(method, url, body);
    if (answer.status >= 500) failures.push(`seed ${seed}: ${method} ${url}: ${answer.status} ${answer.text}`);
    if (!url.endsWith('/exec') || answer.status !== 201) continue;
    const started = await engine.api('POST', `/exec/${answer.json.Id}/start`, { Detach: true });
    if (started.status >= 500) failures.push(`seed ${seed}: exec: ${started.status} ${started.text}`);
  }
  return failures;
}

test('many clients that fight over a few containers: each answer makes sense, and nothing is left', {
  ...wharfOnly(),
  timeout: 120_000,
}, async () => {
  const first = Date.now() % 1_000_000;
  const failures = await Promise.all(Array.from({ length: clients }, (_, index) => client(first + index)));
  assert.deepEqual(failures.flat(), []);
});
