import { S3Client } from '@aws-sdk/client-s3';
import type { RegistryStorage } from '../open-registry.ts';
import type { S3Settings } from '../registry-service.ts';
import { S3Uploads } from '../uploads/s3-uploads.ts';
import { S3ObjectStore } from './s3-object-store.ts';

/** Everything in a bucket: servers over it keep nothing of their own, and there may be any number of them. */
export function openS3Storage({ bucket, region, endpoint, prefix, ...settings }: S3Settings): RegistryStorage {
  const client = new S3Client({
    region: region || 'us-east-1',
    ...(endpoint !== '' && { endpoint }),
    forcePathStyle: settings.forcePathStyle,
    ...(settings.credentials && { credentials: settings.credentials }),
    // Digests are checked here; many that speak S3 do not know the newer checksums.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  const slashed = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`;
  const objects = new S3ObjectStore({ client, bucket, prefix: slashed, redirect: settings.redirect });
  return { objects, uploads: new S3Uploads(objects) };
}
