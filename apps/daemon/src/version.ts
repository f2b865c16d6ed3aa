import { minimumApiVersion, newestApiVersion } from '@wharf/api/version';
import type { BuildInfo } from '@wharf/engine/engine-config';

/** What this build calls itself. A release's bundler replaces the commit and the time. */
export const build: BuildInfo = {
  version: '0.1.0',
  apiVersion: newestApiVersion,
  minApiVersion: minimumApiVersion,
  gitCommit: 'source',
  buildTime: '',
};
