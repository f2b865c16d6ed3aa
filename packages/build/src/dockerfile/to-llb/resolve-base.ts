import { invalidArgument } from '@wharf/base/error';
import type { HistoryEntry, ImageConfig } from '@wharf/oci/image-config';
import { formatPlatform, normalizePlatform, type Platform } from '@wharf/oci/platform';
import { formatCanonical, parseReference, withDefaultTag } from '@wharf/oci/reference';
import { rules } from '../lint/rules.ts';
import { image } from '../llb/sources.ts';
import { locate } from '../source-error.ts';
import { didYouMean } from '../suggest.ts';
import type { ConvertContext } from './convert-context.ts';
import { neededPaths } from './paths.ts';
import type { ImageDraft, StageState } from './stage-state.ts';
import { nextStepName } from './vertex-name.ts';

const wellKnown = ['alpine', 'busybox', 'centos', 'debian', 'golang', 'ubuntu', 'fedora'];

export function emptyImage({ os, architecture, variant }: Platform): ImageDraft {
  return { os, architecture, ...(variant ? { variant } : {}), config: { WorkingDir: '/' }, history: [] };
}

/** Gives a stage that bases on an image its state and config. `names` are the stages that may have been meant. */
export async function resolveBase(context: ConvertContext, state: StageState, names: readonly string[]): Promise<void> {
  try {
    await resolve(context, state, names);
  } catch (thrown) {
    throw locate(thrown, state.ranges);
  }
}

async function resolve(context: ConvertContext, state: StageState, names: readonly string[]): Promise<void> {
  const { resolver, options, targetPlatform } = context;
  const typed = state.baseName;
  if (typed === 'scratch') {
    state.image = emptyImage(targetPlatform);
    state.platform ??= targetPlatform;
    return;
  }
  const platform = state.platform ?? targetPlatform;
  const reference = parseStageReference(typed);
  const named = await resolver.namedContext(reference, { platform, paths: () => neededPaths(state.paths) });
  if (named) {
    state.state = named.state;
    state.image = named.image ?? emptyImage(targetPlatform);
    state.platform = platform;
    return;
  }
  const where = options.multiPlatform ? `${formatPlatform(platform)} internal` : 'internal';
  const logName = `[${where}] load metadata for ${reference}`;
  const resolved = await resolver.resolveImage(reference, { platform, logName }).catch((thrown: unknown) => {
    const error = locate(thrown, state.ranges, `${typed}: `);
    const suggestion = didYouMean(typed, [...names, ...wellKnown, ...wellKnown.map((name) => `${name}:latest`)]);
    throw suggestion === '' ? error : locate(invalidArgument(error.message + suggestion), state.ranges);
  });
  state.baseImage = resolved.config;
  const draft = draftOf(resolved.config as unknown as ImageConfig);
  state.image = draft;
  const actual = imagePlatform(draft, platform);
  if (actual.os !== platform.os || actual.architecture !== platform.architecture) {
    const [expected, found] = [platform, actual].map((each) => formatPlatform(normalizePlatform(each)));
    context.linter.report(rules.invalidBaseImagePlatform, state.ranges, typed, expected!, found!);
  }
  state.platform =
    state.platform === undefined && !context.explicitPlatform
      ? autoDetected(actual, platform, options.buildPlatform)
      : platform;
  if (isEmptyImage(resolved.config as unknown as ImageConfig)) return;
  const canonical = withDigest(resolved.reference, resolved.digest);
  state.baseName = canonical;
  const naming = { multiPlatform: options.multiPlatform, platform: state.platform };
  state.state = image(canonical, {
    platform: state.platform,
    resolveMode: options.resolveMode,
    name: nextStepName(state, `FROM ${canonical}`, naming),
    description: { 'com.docker.dockerfile.v1.command': state.stage?.code ?? '' },
    ranges: state.ranges,
  });
}

function parseStageReference(text: string): string {
  try {
    return formatCanonical(withDefaultTag(parseReference(text)));
  } catch (thrown) {
    throw invalidArgument(`failed to parse stage name "${text}": ${(thrown as Error).message}`);
  }
}

function withDigest(reference: string, digest: string): string {
  return digest === '' || reference.includes('@') ? reference : `${reference}@${digest}`;
}

/** What a new image begins with: all but what is the base's own. */
export function draftOf(config: ImageConfig): ImageDraft {
  const { created: _, rootfs: __, config: defaults, history, ...rest } = config;
  return { ...rest, config: { ...defaults }, history: [...((history ?? []) as HistoryEntry[])] };
}

function imagePlatform({ os, architecture, variant }: ImageDraft, fallback: Platform): Platform {
  return {
    os: os || fallback.os,
    architecture: architecture || fallback.architecture,
    ...(variant ? { variant } : {}),
  };
}

function autoDetected(actual: Platform, target: Platform, build: Platform): Platform {
  const isSame = (a: Platform, b: Platform) => a.os === b.os && a.architecture === b.architecture;
  if (isSame(actual, target)) return target;
  return isSame(actual, build) ? build : target;
}

/** An image without layers is as good as scratch. */
function isEmptyImage({ rootfs, history }: ImageConfig): boolean {
  return rootfs.diff_ids.length === 0 && !(history ?? []).some(({ empty_layer }) => !empty_layer);
}
