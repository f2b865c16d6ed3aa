import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { lastMessage, type RuntimeFailure, runtimeError } from './oci-runtime-error.ts';

const created = 'failed to create task for container: failed to create shim task: OCI runtime create failed: ';
const program = 'runc create failed: unable to start container process: ';

describe('runtime errors', () => {
  const rows: [Partial<RuntimeFailure>, string | undefined, string][] = [
    [
      { log: '2026-11-23T20:48:05.676739Z: executable file `nosuch` not found in $PATH: No such file or directory\n' },
      'cmd_not_found',
      `${created}${program}exec: "x": executable file not found in $PATH: unknown`,
    ],
    [
      { log: 'executable file `/nosuch` not found in $PATH: No such file or directory' },
      'cmd_not_found',
      `${created}${program}exec: "x": no such file or directory: unknown`,
    ],
    [
      { log: 'open executable: Operation not permitted' },
      'cmd_not_executable',
      `${created}${program}exec: "x": permission denied: unknown`,
    ],
    [
      { log: 'the path `/etc` is not a regular file: Operation not permitted' },
      'cmd_not_executable',
      `${created}${program}exec: "x": is a directory: permission denied: unknown`,
    ],
    [
      { log: 'the path `/etc/passwd` exists but it is not executable: Operation not permitted' },
      'cmd_not_executable',
      `${created}${program}exec: "x": permission denied: unknown`,
    ],
    [
      {
        runtime: 'runc',
        log: 'time="2026-11-23T20:48:06Z" level=error msg="runc create failed: unable to start container process: exec: \\"nosuch\\": executable file not found in $PATH"\n',
      },
      'cmd_not_found',
      `${created}${program}exec: "x": executable file not found in $PATH: unknown`,
    ],
    [
      {
        runtime: 'runc',
        log: 'time="t" level=error msg="runc create failed: unable to start container process: exec: \\"/etc\\": is a directory"',
      },
      'cmd_not_executable',
      `${created}${program}exec: "x": is a directory: permission denied: unknown`,
    ],
    [
      {
        runtime: 'runc',
        log: 'time="t" level=error msg="runc create failed: unable to start container process: error mounting \\"/a\\" to rootfs: no such file or directory"',
      },
      undefined,
      `${created}runc create failed: unable to start container process: error mounting "/a" to rootfs: no such file or directory: unknown`,
    ],
    [
      { log: '2026-11-23T20:48:05.676739Z: mount `/a` to `b`: No such file or directory' },
      undefined,
      `${created}crun: mount \`/a\` to \`b\`: No such file or directory: unknown`,
    ],
    [{ log: '' }, undefined, `${created}crun: no reason given: unknown`],
    [
      { action: 'exec', log: 'executable file `x` not found in $PATH: No such file or directory' },
      'cmd_not_found',
      'OCI runtime exec failed: exec failed: unable to start container process: exec: "x": executable file not found in $PATH: unknown',
    ],
  ];
  for (const [failure, reason, message] of rows) {
    test(message.slice(-70), () => {
      const error = runtimeError({ action: 'create', runtime: 'crun', log: '', program: 'x', ...failure });
      assert.equal(error.message, message);
      assert.equal(error.reason, reason);
      assert.equal(error.code, reason === undefined ? 'internal' : 'invalid_argument');
    });
  }

  test('an exec in a stopped container is a conflict', () => {
    const log = 'time="t" level=error msg="exec failed: cannot exec in a stopped container"';
    assert.equal(runtimeError({ action: 'exec', runtime: 'runc', log, program: 'x' }).code, 'conflict');
  });

  test('warnings do not hide the error', () => {
    assert.equal(lastMessage('level=error msg="bad"\ntime="t" level=warning msg="careful"\n'), 'bad');
  });
});
