import { together } from '@wharf/base/together';
import { hostPlatform, normalizePlatform, type Platform } from '@wharf/oci/platform';
import type { FrontendResult, ImageConfigDraft } from '../solver/frontend.ts';
import type { Solver } from '../solver/solver.ts';
import type { SolverBridge } from '../solver/solver-bridge.ts';
import type { BuildOutput } from './build-output.ts';

interface Finished {
  readonly solver: Solver;
  readonly bridge: SolverBridge;
  readonly result: FrontendResult;
  /** Seconds since 1970. */
  readonly epoch: number | undefined;
  readonly inlineCache: BuildOutput['inlineCache'];
}

/** Computes what a frontend has returned, for the exporters. */
export async function collectOutput({ solver, bridge, result, epoch, inlineCache }: Finished): Promise<BuildOutput> {
  const { refs, metadata } = result;
  const isMultiPlatform = refs.size > 1 || (refs.size === 1 && !refs.has('default'));
  const named = platformsOf(metadata);
  const unsorted = refs.size > 0 ? [...refs] : [['default', undefined] as const];
  // Go's maps have no order, in which results of a client's gateway come: that of the request is kept elsewhere.
  const placeOf = (name: string) => named.findIndex(({ ID }) => ID === name);
  const entries = unsorted.toSorted(([a], [b]) => placeOf(a) - placeOf(b));
  const platforms = await together(
    entries.map(async ([name, ref]) => {
      const suffix = name === 'default' ? '' : `/${name}`;
      const draft = draftOf(metadata.get(`containerimage.config${suffix}`) ?? metadata.get('containerimage.config'));
      const found = named.find(({ ID }) => ID === name) ?? (named.length === 1 ? named[0] : undefined);
      const platform = found?.Platform ?? platformOf(draft);
      const computed = await solver.result(ref && bridge.edgeOf(ref));
      const whole = { ...(draft.os && draft.architecture ? draft : { ...platform, ...draft }) } as ImageConfigDraft;
      return { id: found?.ID ?? name, platform, result: computed, draft: whole, attestations: [] };
    }),
  );
  return {
    platforms,
    isMultiPlatform,
    epoch,
    createdAt: (diffId) => solver.createdAt(diffId),
    descriptorOf: (diffId) => solver.descriptorOf(diffId),
    rewritten: (diffId, seconds) => solver.rewritten(diffId, seconds),
    inlineCache,
  };
}

interface NamedPlatform {
  readonly ID: string;
  readonly Platform: Platform;
}

function platformsOf(metadata: FrontendResult['metadata']): readonly NamedPlatform[] {
  const bytes = metadata.get('refs.platforms');
  if (!bytes) return [];
  return (JSON.parse(Buffer.from(bytes).toString()) as { Platforms?: NamedPlatform[] }).Platforms ?? [];
}

function draftOf(bytes: Uint8Array | undefined): Partial<ImageConfigDraft> {
  return bytes ? (JSON.parse(Buffer.from(bytes).toString()) as ImageConfigDraft) : {};
}

function platformOf({ os, architecture, variant }: Partial<ImageConfigDraft>): Platform {
  if (!os || !architecture) return normalizePlatform(hostPlatform());
  return normalizePlatform({ os, architecture, ...(variant && { variant }) });
}
