import assert from 'node:assert/strict';
import { closeSync, fchmodSync, fstatSync, readSync, statSync } from 'node:fs';
import { test } from 'node:test';
import { NullDevices } from './null-device.ts';

test('a null device of its own for each: empty, and what becomes of one is nothing of the others', () => {
  const devices = new NullDevices();
  const [one, other] = [devices.open(), devices.open()];
  const host = statSync('/dev/null');
  assert.equal(readSync(one, Buffer.alloc(1)), 0);
  assert.equal(fstatSync(one).rdev, host.rdev);
  fchmodSync(one, 0);
  assert.equal(fstatSync(other).mode & 0o777, 0o666);
  assert.equal(statSync('/dev/null').mode, host.mode);
  closeSync(one);
  closeSync(other);
});
