/** The same cases, with everything in a bucket. */
process.env.REGISTRY_STORAGE = 'bucket';
await import('./distribution.test.ts');
