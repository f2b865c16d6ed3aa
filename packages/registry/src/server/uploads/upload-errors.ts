import { RegistryError } from '../error.ts';

/** The client is to ask where it is, and go on from there. distribution-spec, "Pushing a blob in chunks" */
export function outOfOrder(size: number): RegistryError {
  return new RegistryError('BLOB_UPLOAD_INVALID', 'the chunk does not start where the one before it ended', {
    status: 416,
    headers: { Range: formatUploaded(size) },
  });
}

/** `0-0` stands for nothing as well as for one byte: distribution's answer, which its clients know. */
export function formatUploaded(size: number): string {
  return `0-${Math.max(0, size - 1)}`;
}

export function tooLarge(limit: number): RegistryError {
  return new RegistryError('SIZE_INVALID', `the blob is larger than this registry takes: ${limit} bytes`, {
    status: 413,
  });
}

export function otherLength(announced: number): RegistryError {
  return new RegistryError('SIZE_INVALID', `the chunk does not have the ${announced} bytes of its Content-Range`);
}
