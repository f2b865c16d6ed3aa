import type { Platform } from '@wharf/oci/platform';
import { encodePlatform } from './platform.ts';
import { createVertex, type Output, outputOf, type VertexOptions } from './vertex.ts';

export interface LocalOptions extends VertexOptions {
  readonly sharedKeyHint: string;
  readonly sessionId: string;
  readonly includePatterns?: readonly string[];
  readonly excludePatterns?: readonly string[];
  readonly followPaths?: readonly string[];
  /** The client's word is taken that what it sends has changed. */
  readonly differNone?: boolean;
}

export function image(
  reference: string,
  options: VertexOptions & { platform?: Platform; resolveMode?: string },
): Output {
  const { platform, resolveMode } = options;
  const attrs = resolveMode && resolveMode !== 'default' ? { 'image.resolvemode': resolveMode } : {};
  return source(`docker-image://${reference}`, attrs, options, platform);
}

export function ociLayout(
  reference: string,
  options: VertexOptions & { platform?: Platform; sessionId: string; storeId: string },
): Output {
  const attrs = { 'oci.session': options.sessionId, 'oci.store': options.storeId };
  return source(`oci-layout://${reference}`, attrs, options, options.platform);
}

/** A directory of the client. `options` is asked when the vertex is encoded: only then is it known what is read. */
export function local(name: string, options: () => LocalOptions, vertex: VertexOptions): Output {
  const build = () => {
    const attrs = localAttributes(options());
    return { op: { case: 'source' as const, value: { identifier: `local://${name}`, attrs } } };
  };
  return outputOf(createVertex(build, vertex));
}

function localAttributes(options: LocalOptions): Record<string, string> {
  const attrs: Record<string, string> = {
    'local.session': options.sessionId,
    'local.sharedkeyhint': options.sharedKeyHint,
  };
  // Lists are there where they have something: an empty one would say "nothing".
  if (options.includePatterns?.length) attrs['local.includepattern'] = JSON.stringify(options.includePatterns);
  if (options.excludePatterns?.length) attrs['local.excludepatterns'] = JSON.stringify(options.excludePatterns);
  if (options.followPaths?.length) attrs['local.followpaths'] = JSON.stringify(options.followPaths);
  if (options.differNone) attrs['local.differ'] = 'none';
  return attrs;
}

export interface GitOptions extends VertexOptions {
  readonly keepGitDir?: boolean;
  readonly checksum?: string;
  readonly skipSubmodules?: boolean;
}

/** `fragment` is `ref:subdirectory`, either part may be missing. */
export function git(remote: string, fragment: string, options: GitOptions): Output {
  const attrs: Record<string, string> = {
    'git.fullurl': remote,
    'git.authheadersecret': 'GIT_AUTH_HEADER',
    'git.authtokensecret': 'GIT_AUTH_TOKEN',
  };
  if (/^(?:ssh:|[^/]*@)/.test(remote)) attrs['git.mountsshsock'] = 'default';
  if (options.keepGitDir) attrs['git.keepgitdir'] = 'true';
  if (options.checksum) attrs['git.checksum'] = options.checksum;
  if (options.skipSubmodules) attrs['git.skipsubmodules'] = 'true';
  const address = remote.replace(/^[a-z]+:\/\//, '').replace(/^[^/@]*@/, '');
  return source(`git://${address}${fragment === '' ? '' : `#${fragment}`}`, attrs, options);
}

export interface HttpOptions extends VertexOptions {
  readonly filename?: string;
  readonly checksum?: string;
}

export function http(url: string, options: HttpOptions): Output {
  const attrs: Record<string, string> = {};
  if (options.filename) attrs['http.filename'] = options.filename;
  if (options.checksum) attrs['http.checksum'] = options.checksum;
  return source(url, attrs, options);
}

function source(
  identifier: string,
  attrs: Record<string, string>,
  options: VertexOptions,
  platform?: Platform,
): Output {
  const build = () => ({
    op: { case: 'source' as const, value: { identifier, attrs } },
    ...(platform ? { platform: encodePlatform(platform) } : {}),
  });
  return outputOf(createVertex(build, options));
}
