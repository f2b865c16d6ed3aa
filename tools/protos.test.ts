import assert from 'node:assert/strict';
import { test } from 'node:test';
import { committedFingerprint, fingerprint } from './protos.ts';

test('the generated protobuf code was made from the .proto files as they are (bun tools/protos.ts)', () => {
  assert.equal(committedFingerprint(), fingerprint());
});
