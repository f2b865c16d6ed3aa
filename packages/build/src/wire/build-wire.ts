import type { Socket } from 'node:net';
import { create } from '@bufbuild/protobuf';
import { type Timestamp, timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { BuildCacheRecord } from '@wharf/api/system';
import { EngineError, invalidArgument, notImplemented } from '@wharf/base/error';
import { encodePlatform } from '../dockerfile/llb/platform.ts';
import type { ExporterRequest } from '../exporters/exporter-request.ts';
import { type Call, type Handlers, serveGrpc, streaming, unary } from '../grpc/grpc-server.ts';
import type { Recording } from '../history/recording.ts';
import { runnablePlatforms } from '../ops/runnable-platforms.ts';
import {
  Control,
  DiskUsageResponseSchema,
  InfoResponseSchema,
  ListWorkersResponseSchema,
  type PruneRequest,
  type SolveRequest,
  SolveResponseSchema,
  UsageRecordSchema,
} from '../pb/control_pb.ts';
import { Health, HealthCheckResponse_ServingStatus, HealthCheckResponseSchema } from '../pb/health_pb.ts';
import type { FrontendResult } from '../solver/frontend.ts';
import type { SolverBridge } from '../solver/solver-bridge.ts';
import { Arrivals } from './arrivals.ts';
import { cachesOf } from './cache-options.ts';
import { addGateway, type DrivenBuild } from './gateway.ts';
import { addHistory } from './history-wire.ts';
import { buildLlb, type LlbDeps } from './llb-build.ts';
import { definitionFrom, encodeProgress } from './messages.ts';
import { ProgressLog } from './progress-log.ts';
import { SessionConnection } from './session-connection.ts';
import { Sessions } from './sessions.ts';

/** The names of what a client has on its session. */
export interface SessionFacts {
  readonly id: string;
  readonly sharedKey: string;
  readonly methods: readonly string[];
}

/** What builds keep, as the engine knows it. */
export interface KeptCache {
  records(): Promise<BuildCacheRecord[]>;
  /** Answers what is gone. */
  prune(request: CachePrune): Promise<BuildCacheRecord[]>;
}

export interface CachePrune {
  readonly all: boolean;
  /** Seconds that it must have been unused; 0 for any time. */
  readonly unusedFor: number;
  /** By field: what records must have. */
  readonly fields: Readonly<Record<string, string>>;
  /** Bytes; 0 is no limit. */
  readonly limits: { readonly reserved: number; readonly maximum: number; readonly free: number };
}

/** How long the progress of a build that has ended can be asked for. */
const progressMilliseconds = 60_000;

/** BuildKit's API, as buildx speaks it with an engine. */
export class BuildWire {
  readonly #deps: LlbDeps;
  readonly #version: string;
  readonly #sessions = new Sessions();
  readonly #handlers: Handlers = new Map();
  readonly #progress = new Map<string, ProgressLog>();
  readonly #driven = new Arrivals<DrivenBuild>();
  readonly #refs = new Set<string>();

  constructor(deps: LlbDeps, cache: KeptCache, version: string) {
    this.#deps = deps;
    this.#version = version;
    const { method } = Control;
    unary(this.#handlers, method.info, async () =>
      create(InfoResponseSchema, { buildkitVersion: this.#worker().BuildkitVersion }),
    );
    unary(this.#handlers, method.listWorkers, async () =>
      create(ListWorkersResponseSchema, { record: [this.#worker()] }),
    );
    unary(this.#handlers, method.solve, (request, call) => this.#solve(request, call));
    streaming(this.#handlers, method.status, ({ Ref }, { signal }) => this.#status(Ref, signal));
    unary(this.#handlers, method.diskUsage, async ({ filter }) => {
      const fields = fieldsOf(filter);
      const records = (await cache.records()).filter((record) => hasFields(record, fields));
      return create(DiskUsageResponseSchema, { record: records.map(encodeUsage) });
    });
    streaming(this.#handlers, method.prune, async function* (request) {
      for (const record of await cache.prune(pruneOf(request))) yield create(UsageRecordSchema, encodeUsage(record));
    });
    unary(this.#handlers, Health.method.check, async () =>
      create(HealthCheckResponseSchema, { status: HealthCheckResponse_ServingStatus.SERVING }),
    );
    addHistory(this.#handlers, deps.history, deps.parts.content);
    const isOver = (id: string) => this.#progress.get(id)?.isEnded ?? false;
    addGateway(this.#handlers, { builds: this.#driven, isOver, worker: () => this.#worker() });
  }

  serve(socket: Socket, head: Buffer): Promise<void> {
    return serveGrpc(socket, head, this.#handlers);
  }

  async holdSession(socket: Socket, head: Buffer, facts: SessionFacts): Promise<void> {
    const session = new SessionConnection(socket, head, facts);
    try {
      await this.#sessions.hold(session);
    } finally {
      session.close();
    }
  }

  async #solve(request: SolveRequest, { signal }: Call) {
    const { Ref: id, Session: sessionId, FrontendAttrs: options } = request;
    if (this.#refs.has(id)) throw new EngineError('already_exists', `job ID exists: ${id}`);
    this.#refs.add(id);
    const log = this.#logOf(id);
    let recording: Recording | undefined;
    try {
      checkRequest(request);
      const session = sessionId === '' ? undefined : await this.#sessions.get(sessionId);
      const gone = session ? AbortSignal.any([signal, session.signal]) : signal;
      if (!request.Internal) {
        const described = { ref: id, frontend: request.Frontend, options, exporters: exportersOf(request) };
        recording = this.#deps.history.begin({ ...described, context: session?.sharedKey || sessionId }, log);
      }
      const epoch = options['build-arg:SOURCE_DATE_EPOCH'];
      const drive = (bridge: SolverBridge) => this.#drive(request, bridge, gone);
      const exporterResponse = await buildLlb(
        this.#deps,
        {
          id,
          session,
          signal: gone,
          entitlements: request.Entitlements,
          epoch: epoch !== undefined && /^\d+$/.test(epoch) ? Number(epoch) : undefined,
          exporters: exportersOf(request),
          caches: cachesOf(request),
          emit: (event) => (recording ? recording.event(event) : log.add(event)),
          ...(recording && { observer: recording }),
        },
        drive,
      );
      recording?.complete(exporterResponse);
      return create(SolveResponseSchema, { ExporterResponse: exporterResponse });
    } catch (error) {
      recording?.fail(error);
      throw error;
    } finally {
      log.end();
      this.#driven.remove(id);
      this.#refs.delete(id);
      setTimeout(() => this.#progress.delete(id), progressMilliseconds).unref();
    }
  }

  /** A definition, a frontend, or, where the request has neither, what the client does with the gateway. */
  async #drive(
    { Ref: id, Frontend: frontend, FrontendAttrs: options, Definition: definition, FrontendInputs }: SolveRequest,
    bridge: SolverBridge,
    signal: AbortSignal,
  ): Promise<FrontendResult> {
    if (frontend !== '') {
      const inputs = Object.entries(FrontendInputs).map(([name, input]) => [name, definitionFrom(input)] as const);
      return await bridge.solve({ frontend, options, inputs: Object.fromEntries(inputs) });
    }
    if (definition && definition.def.length > 0) return await bridge.solve({ definition: definitionFrom(definition) });
    const { promise, resolve, reject } = Promise.withResolvers<FrontendResult>();
    const leave = () => reject(signal.reason);
    signal.addEventListener('abort', leave, { once: true });
    this.#driven.put(id, { bridge, return: resolve, fail: reject });
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }

  async *#status(id: string, signal: AbortSignal) {
    const { history } = this.#deps;
    const log = this.#progress.get(id) ?? history.logOf(id);
    // One that ended long ago.
    if (!log && history.has(id)) yield* history.progress(id, signal);
    else for await (const events of (log ?? this.#logOf(id)).follow(signal)) yield encodeProgress(events);
  }

  /** Clients ask for it before their build has arrived. */
  #logOf(id: string): ProgressLog {
    let log = this.#progress.get(id);
    if (!log) {
      log = new ProgressLog();
      this.#progress.set(id, log);
    }
    return log;
  }

  #worker() {
    return {
      ID: 'wharf',
      Labels: {
        'org.mobyproject.buildkit.worker.executor': 'wharf',
        // By it buildx tells engines that export more than images of their own.
        'org.mobyproject.buildkit.worker.snapshotter': 'overlayfs',
      },
      platforms: runnablePlatforms().map(encodePlatform),
      BuildkitVersion: { package: 'wharf', version: this.#version, revision: '' },
    };
  }
}

function checkRequest({ FrontendAttrs, SourcePolicy, Entitlements }: SolveRequest): void {
  const denied = Entitlements.find((entitlement) => entitlement !== 'network.host');
  if (denied !== undefined) throw invalidArgument(`${denied} is not allowed`);
  if (SourcePolicy && SourcePolicy.rules.length > 0) throw notImplemented('a source policy of a build');
  for (const [name, value] of Object.entries(FrontendAttrs)) {
    // What clients ask for by themselves is meant for images that can carry it; others need not.
    if (!name.startsWith('attest:') || value.split(',').includes('inline-only=true')) continue;
    throw notImplemented(`the attestation ${name.slice('attest:'.length)} of a build`);
  }
}

function exportersOf({ Exporters, ExporterDeprecated, ExporterAttrsDeprecated }: SolveRequest): ExporterRequest[] {
  if (Exporters.length > 0) return Exporters.map(({ Type, Attrs }) => ({ type: Type, attributes: Attrs }));
  return ExporterDeprecated === '' ? [] : [{ type: ExporterDeprecated, attributes: ExporterAttrsDeprecated }];
}

function pruneOf({ filter, all, keepDuration, reservedSpace, maxUsedSpace, minFreeSpace }: PruneRequest): CachePrune {
  return {
    all,
    unusedFor: Number(keepDuration / 1_000_000_000n),
    fields: fieldsOf(filter),
    limits: { reserved: Number(reservedSpace), maximum: Number(maxUsedSpace), free: Number(minFreeSpace) },
  };
}

/** Filters as containerd writes them: `type==regular`. */
function fieldsOf(filters: readonly string[]): Record<string, string> {
  const terms = filters.flatMap((filter) => filter.split(',')).filter((term) => term !== '');
  const fields = terms.map((term): [string, string] => {
    const [, name, value] = /^(id|type)==(.+)$/.exec(term) ?? [];
    if (name === undefined || value === undefined) throw notImplemented(`the filter ${term} of a build cache`);
    return [name, value];
  });
  return Object.fromEntries(fields);
}

function hasFields({ ID, Type }: BuildCacheRecord, { id, type }: Readonly<Record<string, string>>): boolean {
  return (id === undefined || id === ID) && (type === undefined || type === Type);
}

function encodeUsage({ ID, Type, Description, InUse, Shared, Size, ...record }: BuildCacheRecord) {
  const { CreatedAt, LastUsedAt, UsageCount } = record;
  return {
    ID,
    InUse,
    Shared,
    Description,
    RecordType: Type,
    Mutable: Type === 'exec.cachemount',
    Size: BigInt(Size),
    CreatedAt: timestampOf(CreatedAt),
    ...(LastUsedAt && { LastUsedAt: timestampOf(LastUsedAt) }),
    UsageCount: BigInt(UsageCount),
  };
}

function timestampOf(text: string): Timestamp {
  return timestampFromDate(new Date(text));
}
