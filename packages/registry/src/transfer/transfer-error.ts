import { EngineError } from '@wharf/base/error';
import type { Digest } from '@wharf/oci/digest';

/** Docker's words for bytes that are not what their name says. */
export function wrongContent(digest: Digest, actual: Digest): EngineError {
  return new EngineError(
    'data_loss',
    `filesystem layer verification failed for digest ${digest}: the registry sent ${actual}`,
  );
}

/** The blob is right, and the image's config is not: fetching again is of no use. */
export class WrongDiffId extends EngineError {
  constructor(digest: Digest, { expected, actual }: { expected: Digest; actual: Digest }) {
    super(
      'data_loss',
      `layer verification failed: layer ${digest} unpacks to ${actual} where the image's config says ${expected}`,
    );
  }
}
