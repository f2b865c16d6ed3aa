import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { notImplemented } from '@wharf/base/error';
import { decodePlatform } from '../dockerfile/llb/platform.ts';
import { imageMaterial } from '../history/image-material.ts';
import type { SourceOp } from '../pb/llb_pb.ts';
import { checkOut } from '../sources/git-source.ts';
import { downloadFile } from '../sources/http-source.ts';
import type { Vertex } from './graph.ts';
import type { BaseImage } from './image-sources.ts';
import type { Result } from './result.ts';
import type { LocalRequest } from './session.ts';
import type { SolveOptions } from './solver.ts';

interface ReadSource {
  readonly result: Result;
  /** Of a base image. */
  readonly descriptors?: BaseImage['descriptors'];
}

/** Fetches what a build begins with, or reads of its client. Throws not_implemented for a kind that is not known. */
export async function readSource(
  vertex: Vertex,
  { identifier, attrs }: SourceOp,
  options: SolveOptions,
): Promise<ReadSource> {
  const { platform } = vertex.op;
  const [scheme = '', name = ''] = splitIdentifier(identifier);
  if (scheme === 'docker-image') {
    const material = imageMaterial(name, decodePlatform(platform));
    if (material) options.observer?.material(material);
    const { layers, descriptors } = await options.images.base(name, decodePlatform(platform));
    return { result: { kind: 'layers', layers }, descriptors };
  }
  if (scheme === 'local') {
    const request: LocalRequest = {
      name,
      includePatterns: patterns(attrs['local.includepattern']),
      excludePatterns: patterns(attrs['local.excludepatterns']),
      followPaths: patterns(attrs['local.followpaths']),
      differ: attrs['local.differ'] === 'none' ? 'none' : 'metadata',
    };
    const path = await options.openLocal(request, vertex.digest);
    return { result: { kind: 'directory', path } };
  }
  const { scratch, signal } = options;
  const directory = () => mkdtempSync(join(scratch, 'source-'));
  if (scheme === 'http' || scheme === 'https') {
    const path = directory();
    const { openUpload } = options;
    const digest = await downloadFile({ url: identifier, attrs }, path, { signal, openUpload });
    options.observer?.material({ uri: identifier, digest });
    return { result: { kind: 'directory', path } };
  }
  if (scheme === 'git') {
    const { path, commit } = await checkOut({ identifier, attrs }, directory(), signal);
    options.observer?.material({ uri: attrs['git.fullurl'] || identifier, digest: `sha1:${commit}` });
    return { result: { kind: 'directory', path } };
  }
  throw notImplemented(`a build source of the kind ${scheme}`);
}

function splitIdentifier(identifier: string): [scheme: string, rest: string] {
  const at = identifier.indexOf('://');
  return at < 0 ? ['', identifier] : [identifier.slice(0, at), identifier.slice(at + 3)];
}

function patterns(json: string | undefined): string[] {
  if (json === undefined) return [];
  const parsed: unknown = JSON.parse(json);
  return Array.isArray(parsed) ? parsed.filter((item) => typeof item === 'string') : [];
}
