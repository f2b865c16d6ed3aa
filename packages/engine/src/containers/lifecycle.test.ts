import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ContainerCreateRequest } from '@wharf/api/container';
import { containerCreateRequest } from '@wharf/api/decode/container';
import { decode } from '@wharf/base/decode';
import { EngineError } from '@wharf/base/error';
import { type Fixture, openFixture } from '../../test/fakes.ts';
import { createContainer } from './create.ts';
import { inspectContainer } from './inspect.ts';
import { killContainer } from './kill.ts';
import { listContainers } from './list.ts';
import { reconcileContainers } from './reconcile.ts';
import { removeContainer } from './remove.ts';
import { renameContainer } from './rename.ts';
import { restartContainer } from './restart.ts';
import { startContainer } from './start.ts';
import { stopContainer } from './stop.ts';
import { waitContainer } from './wait.ts';

function request(fields: object = {}): ContainerCreateRequest {
  return decode(containerCreateRequest, { Image: 'busybox', ...fields });
}

async function create({ deps }: Fixture, name: string, fields: object = {}): Promise<string> {
  return (await createContainer(deps, name, request(fields), undefined)).Id;
}

const never = new AbortController().signal;

describe('containers', () => {
  test('a run with --rm: events in the order that clients count on, and nothing left', async () => {
    using f = openFixture();
    const id = await create(f, 'web', { HostConfig: { AutoRemove: true } });
    const { exited: removed } = waitContainer(f.deps, 'web', 'removed', never);
    const { exited } = waitContainer(f.deps, 'web', 'next-exit', never);
    await startContainer(f.deps, id.slice(0, 12));
    f.supervisor.exit(id, 3);
    assert.deepEqual(await exited, { StatusCode: 3 });
    assert.deepEqual(await removed, { StatusCode: 3 });
    await f.deps.teardowns.allSettled();
    assert.deepEqual(
      f.actions.filter((action) => !action.startsWith('network')),
      ['create', 'start', 'die', 'destroy'],
    );
    assert.equal(f.deps.containers.size, 0);
    assert.equal(f.supervisor.processes.size + f.snapshots.prepared.size + f.networking.open.size, 0);
  });

  test('a name in use, with the text that clients match on; free again after the removal', async () => {
    using f = openFixture();
    const id = await create(f, 'web');
    await assert.rejects(create(f, 'web'), {
      code: 'conflict',
      message:
        `Conflict. The container name "/web" is already in use by container "${id}". ` +
        'You have to remove (or rename) that container to be able to reuse that name.',
    });
    assert.equal(f.snapshots.prepared.size, 1);
    await removeContainer(f.deps, 'web', { force: false, volumes: false, link: false });
    await create(f, 'web');
  });

  test('a missing image leaves nothing behind', async () => {
    using f = openFixture();
    await assert.rejects(create(f, 'web', { Image: 'nope' }), {
      code: 'not_found',
      message: 'No such image: nope:latest',
    });
    assert.equal(f.deps.containers.isTaken('web'), false);
    assert.equal(f.snapshots.prepared.size, 0);
  });

  test('stop: signal, then SIGKILL after the timeout; a second stop changes nothing', async () => {
    using f = openFixture();
    const id = await create(f, 'web');
    await startContainer(f.deps, id);
    f.supervisor.deaf.add(id);
    await stopContainer(f.deps, 'web', { timeout: 0 });
    assert.deepEqual(f.actions.slice(-4), ['kill', 'kill', 'die', 'stop']);
    assert.equal(f.deps.containers.find('web').state.exitCode, 137);
    await assert.rejects(stopContainer(f.deps, 'web', {}), { code: 'not_modified' });
    await startContainer(f.deps, id);
    await assert.rejects(startContainer(f.deps, id), { code: 'not_modified' });
  });

  test('restart keeps a --rm container', async () => {
    using f = openFixture();
    const id = await create(f, 'web', { HostConfig: { AutoRemove: true } });
    await startContainer(f.deps, id);
    await restartContainer(f.deps, id, {});
    assert.equal(f.deps.containers.find(id).state.status, 'running');
    assert.deepEqual(f.actions.slice(-5), ['kill', 'die', 'stop', 'start', 'restart']);
  });

  test('always: comes back after an exit, stays down after a stop', async () => {
    using f = openFixture();
    const id = await create(f, 'web', { HostConfig: { RestartPolicy: { Name: 'always' } } });
    await startContainer(f.deps, id);
    const started = new Promise<void>((resolve) => {
      const stop = f.deps.events.listen(({ Action }) => {
        if (Action !== 'start') return;
        stop();
        resolve();
      });
    });
    f.supervisor.exit(id, 1);
    await started;
    assert.equal(f.deps.containers.find(id).restartCount, 1);
    await stopContainer(f.deps, id, {});
    assert.equal(f.deps.containers.find(id).state.status, 'exited');
    assert.equal(f.deps.restarts.isScheduled(id), false);
  });

  test('a start that fails keeps why, undoes all, and can be tried again', async () => {
    using f = openFixture();
    const id = await create(f, 'web');
    f.supervisor.createError = new EngineError('invalid_argument', 'exec: "nope": executable file not found in $PATH', {
      reason: 'cmd_not_found',
    });
    await assert.rejects(startContainer(f.deps, id), /executable file not found/);
    const { State } = await inspectContainer(f.deps, id, { size: false });
    assert.deepEqual([State.Status, State.ExitCode, State.Running], ['created', 127, false]);
    assert.match(State.Error, /executable file not found/);
    assert.equal(f.networking.open.size, 0);
    f.supervisor.createError = undefined;
    await startContainer(f.deps, id);
    assert.equal(f.deps.containers.find(id).state.error, '');
  });

  test('remove: a running one only with force, and its anonymous volumes with it', async () => {
    using f = openFixture();
    const id = await create(f, 'web', { Volumes: { '/data': {} } });
    assert.equal(f.deps.volumes.volumes().length, 1);
    await startContainer(f.deps, id);
    await assert.rejects(removeContainer(f.deps, 'web', { force: false, volumes: true, link: false }), {
      code: 'conflict',
      message:
        'cannot remove container "/web": container is running: stop the container before removing or force remove',
    });
    await removeContainer(f.deps, 'web', { force: true, volumes: true, link: false });
    assert.equal(f.deps.volumes.volumes().length, 0);
    await assert.rejects(inspectContainer(f.deps, 'web', { size: false }), { message: 'No such container: web' });
  });

  test('names: by id, name and unique prefix; renamed', async () => {
    using f = openFixture();
    const id = await create(f, 'web');
    await renameContainer(f.deps, id.slice(0, 10), '/db');
    assert.equal(f.deps.containers.find('db').id, id);
    assert.equal(f.deps.containers.find('/db').id, id);
    assert.throws(() => f.deps.containers.find('web'), /No such container: web/);
    const [summary] = await listContainers(f.deps, { all: true, limit: 0, size: false, filters: new Map() });
    assert.deepEqual([summary?.Names, summary?.Status, summary?.Command], [['/db'], 'Created', 'sh']);
    await assert.rejects(killContainer(f.deps, 'db', 'KILL'), {
      code: 'conflict',
      message: `cannot kill container: db: container ${id} is not running`,
    });
  });
});

describe('after a daemon that was killed', () => {
  test('a running container is adopted, one that ended meanwhile has its exit code', async () => {
    using f = openFixture();
    const up = await create(f, 'up');
    const down = await create(f, 'down');
    await startContainer(f.deps, up);
    await startContainer(f.deps, down);
    f.supervisor.close();
    f.supervisor.exit(down, 42);
    const next = f.restart();
    await reconcileContainers(next.deps);
    assert.equal(next.deps.containers.find('up').state.status, 'running');
    const { state } = next.deps.containers.find('down');
    assert.deepEqual([state.status, state.exitCode], ['exited', 42]);
    const { exited } = waitContainer(next.deps, 'up', 'not-running', never);
    next.supervisor.exit(up, 0);
    assert.deepEqual(await exited, { StatusCode: 0 });
  });

  test('a container in the middle of its creation is gone, with its volume', async () => {
    using f = openFixture();
    const id = await create(f, 'half', { Volumes: { '/data': {} } });
    f.deps.containers.update(id, { phase: 'doomed' });
    const next = f.restart();
    await reconcileContainers(next.deps);
    await next.deps.teardowns.allSettled();
    assert.equal(next.deps.containers.size, 0);
    assert.equal(next.deps.volumes.volumes().length, 0);
    assert.equal(next.snapshots.prepared.size, 0);
    await create(next, 'half');
  });

  test('a supervisor that lost its processes: unknown exit codes, policies start again, --rm goes', async () => {
    using f = openFixture();
    await create(f, 'plain');
    await create(f, 'always', { HostConfig: { RestartPolicy: { Name: 'always' } } });
    await create(f, 'gone', { HostConfig: { AutoRemove: true } });
    for (const name of ['plain', 'always', 'gone']) await startContainer(f.deps, name);
    f.supervisor.close();
    f.supervisor.processes.clear();
    const next = f.restart();
    const started = new Promise<void>((resolve) => {
      next.deps.events.listen(({ Action }) => {
        if (Action === 'start') resolve();
      });
    });
    await reconcileContainers(next.deps);
    await started;
    assert.equal(next.deps.containers.find('plain').state.exitCode, 255);
    assert.equal(next.deps.containers.find('always').state.status, 'running');
    assert.throws(() => next.deps.containers.find('gone'));
  });

  test('a program that was started and not yet recorded is adopted; a created one is deleted', async () => {
    using f = openFixture();
    const running = await create(f, 'running');
    const created = await create(f, 'created');
    for (const id of [running, created]) await f.supervisor.create({ id });
    await f.supervisor.start(running);
    const next = f.restart();
    await reconcileContainers(next.deps);
    await next.deps.teardowns.allSettled();
    assert.equal(next.deps.containers.find('running').state.status, 'running');
    assert.equal(next.deps.containers.find('created').state.status, 'created');
    assert.equal(next.supervisor.processes.has(created), false);
  });
});
