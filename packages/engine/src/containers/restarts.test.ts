import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RestartPolicy } from '@wharf/api/container';
import { type FinishedRun, Restarts } from './restarts.ts';

const failed: FinishedRun = { exitCode: 1, restartCount: 0, manuallyStopped: false, runMilliseconds: 5 };

function check(name: RestartPolicy['Name'], max: number, run: Partial<FinishedRun>, restarts: boolean): void {
  const policy = { Name: name, MaximumRetryCount: max };
  test(`${name}:${max} after ${JSON.stringify(run)} ${restarts ? 'restarts' : 'stays down'}`, () => {
    assert.equal(new Restarts().nextDelay('a', policy, { ...failed, ...run }) !== undefined, restarts);
  });
}

check('no', 0, {}, false);
check('', 0, {}, false);
check('always', 0, { exitCode: 0 }, true);
check('unless-stopped', 0, { exitCode: 0 }, true);
check('unless-stopped', 0, { manuallyStopped: true }, false);
check('on-failure', 0, { exitCode: 0 }, false);
check('on-failure', 0, { restartCount: 99 }, true);
check('on-failure', 3, { restartCount: 2 }, true);
check('on-failure', 3, { restartCount: 3 }, false);

test('the delay doubles from 100 ms to a minute, and begins anew after ten good seconds', () => {
  const restarts = new Restarts();
  const always = { Name: 'always', MaximumRetryCount: 0 } as const;
  const delays = Array.from({ length: 12 }, () => restarts.nextDelay('a', always, failed));
  assert.deepEqual(delays, [100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 51200, 60000, 60000]);
  assert.equal(restarts.nextDelay('a', always, { ...failed, runMilliseconds: 10_000 }), 100);
});

test('a stop by a client cancels one restart, whatever the policy', () => {
  const restarts = new Restarts();
  const always = { Name: 'always', MaximumRetryCount: 0 } as const;
  restarts.cancelNext('a');
  assert.equal(restarts.nextDelay('a', always, failed), undefined);
  assert.equal(restarts.nextDelay('a', always, failed), 100);
});
