import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { JsonMessage } from '@wharf/api/streams/json-message';
import { EngineError } from '@wharf/base/error';
import { KeyedLock } from '@wharf/base/keyed-lock';
import { buildClassic, type ClassicDeps } from '@wharf/build/classic/build-classic';
import type { ClassicRequest } from '@wharf/build/classic/classic-request';
import { ContextStore } from '@wharf/build/contexts/context-store';
import { BuildHistory } from '@wharf/build/history/build-history';
import { BuildCache } from '@wharf/build/solver/build-cache';
import { CacheMounts } from '@wharf/build/solver/cache-mounts';
import { StepGate } from '@wharf/build/solver/step-gate';
import { FileWorkers } from '@wharf/build/trees/file-workers';
import type { BuildWire, KeptCache } from '@wharf/build/wire/build-wire';
import type { ImageParts } from '@wharf/store/images/image-parts';
import { Trash } from '@wharf/store/layers/trash';
import type { BuildUseCases } from '../engine.ts';
import type { ContainerDeps } from '../engine-deps.ts';
import { buildRecords } from './build-records.ts';
import { cacheRecords } from './cache-records.ts';
import { ProcessExits } from './process-exits.ts';
import { pruneCache } from './prune-cache.ts';
import { runStep } from './run-step.ts';
import { snapshotViews } from './snapshot-views.ts';

export interface Builder extends BuildUseCases {
  close(): Promise<void>;
}

/** The builder with the engine below it: steps are its processes, their files its snapshots. */
export function openBuilder(deps: ContainerDeps, parts: ImageParts): Builder {
  const { dataRoot } = deps.config;
  const root = join(dataRoot, 'build');
  const workers = new FileWorkers();
  const exits = new ProcessExits(deps.supervisor);
  const cache = new BuildCache({ database: deps.database, layers: parts.layers });
  const cacheMounts = new CacheMounts(join(root, 'cache-mounts'), deps.database);
  let history: BuildHistory | undefined;
  const build: ClassicDeps = {
    dataRoot,
    parts,
    workers,
    cache,
    cacheMounts,
    // Looked into when the first build or the first question comes.
    get history() {
      history ??= new BuildHistory({ directory: join(root, 'history'), database: deps.database });
      return history;
    },
    transfers: deps.transfers,
    running: new Map(),
    gate: new StepGate(),
    fault: deps.fault,
    views: snapshotViews(deps.snapshots),
    runner: { run: (request) => runStep(deps, exits, request) },
  };
  const held = { cache, cacheMounts, images: deps.images, running: build.running, locks: new KeyedLock(), dataRoot };
  const underWay = new Map<string, AbortController>();
  let wire: Promise<BuildWire> | undefined;

  /** Made for the first client that speaks BuildKit's API. */
  function openWire(): Promise<BuildWire> {
    wire ??= import('@wharf/build/wire/build-wire').then(({ BuildWire }) => {
      const trash = new Trash(join(root, 'trash'), (error) =>
        deps.logger.warn('Cannot delete what a build has left', { error }),
      );
      const contexts = new ContextStore(join(root, 'contexts'), { database: deps.database, trash, workers });
      return new BuildWire({ ...build, contexts }, keptCache(held), deps.config.build.version);
    });
    return wire;
  }

  return {
    build: async (context: Readable, request: ClassicRequest, send: (message: JsonMessage) => void) => {
      using named = openNamed(underWay, request.buildId);
      const signal = AbortSignal.any([request.signal, named.signal]);
      await buildClassic(build, context, { ...request, signal }, send);
    },
    cancel: (buildId) => underWay.get(buildId)?.abort(new EngineError('canceled', 'context canceled')),
    serveApi: async (socket, head) => (await openWire()).serve(socket, head),
    holdSession: async (socket, head, facts) => (await openWire()).holdSession(socket, head, facts),
    cache: () => cacheRecords(held),
    prune: (options) => pruneCache(held, options),
    ...buildRecords(() => build.history),
    close: () => workers.close(),
  };
}

/** What BuildKit's clients ask of it, who are told what is gone. */
function keptCache(held: Parameters<typeof pruneCache>[0]): KeptCache {
  return {
    records: () => cacheRecords(held),
    prune: async ({ all, unusedFor, fields, limits }) => {
      const before = await cacheRecords(held);
      const filters = new Map(Object.entries(fields).map(([name, value]) => [name, [value]]));
      if (unusedFor > 0) filters.set('until', [`${unusedFor}s`]);
      const gone = new Set((await pruneCache(held, { all, filters, limits })).CachesDeleted);
      return before.filter(({ ID }) => gone.has(ID));
    },
  };
}

/** A build that can be canceled by its name while it is under way. */
function openNamed(underWay: Map<string, AbortController>, name: string): Disposable & { signal: AbortSignal } {
  const controller = new AbortController();
  const { signal } = controller;
  if (name === '') return { signal, [Symbol.dispose]() {} };
  underWay.set(name, controller);
  return {
    signal,
    [Symbol.dispose]() {
      if (underWay.get(name) === controller) underWay.delete(name);
    },
  };
}
