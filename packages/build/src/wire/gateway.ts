import { posix } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { EngineError } from '@wharf/base/error';
import { type Call, type Handlers, unary } from '../grpc/grpc-server.ts';
import { GrpcError } from '../grpc/grpc-status.ts';
import {
  EvaluateResponseSchema,
  InputsResponseSchema,
  LLBBridge,
  PongResponseSchema,
  ReadDirResponseSchema,
  ReadFileResponseSchema,
  ResolveImageConfigResponseSchema,
  ReturnResponseSchema,
  SolveResponseSchema,
  StatFileResponseSchema,
} from '../pb/gateway_pb.ts';
import type { FrontendResult } from '../solver/frontend.ts';
import type { SolverBridge } from '../solver/solver-bridge.ts';
import { byteName } from '../trees/tree-view.ts';
import type { Arrivals } from './arrivals.ts';
import { decodeCacheEntry } from './cache-options.ts';
import { encodeStat } from './encode-stat.ts';
import { definitionFrom, encodeResult, resultFrom } from './messages.ts';

/** A build whose frontend is the client: it asks for solves, and returns one of their results. */
export interface DrivenBuild {
  readonly bridge: SolverBridge;
  return(result: FrontendResult): void;
  fail(error: Error): void;
}

interface WorkerFields {
  readonly ID: string;
  readonly Labels: Record<string, string>;
  readonly platforms: { OS: string; Architecture: string; Variant: string }[];
}

// BuildKit's names for what its gateway can do, of which clients leave out what is not named.
const gatewayAbilities = [
  'solve.base',
  'solve.inlinereturn',
  'resolveimage',
  'resolveimage.resolvemode',
  'readfile',
  'readdir',
  'statfile',
  'return',
  'returnmap',
  'proto.ref.array',
  'frontend.inputs',
  'gateway.solve.metadata',
  'gateway.evaluate',
  'gateway.solve.evaluate',
];
const graphAbilities = [
  'source.image',
  'source.image.resolvemode',
  'source.local',
  'source.local.unique',
  'source.local.sessionid',
  'source.local.includepatterns',
  'source.local.excludepatterns',
  'source.local.followpaths',
  'source.local.sharedkeyhint',
  'source.local.differ',
  'source.git',
  'source.http',
  'exec.meta.base',
  'exec.mount.bind',
  'exec.mount.cache',
  'exec.mount.tmpfs',
  'exec.mount.secret',
  'exec.mount.ssh',
  'exec.secretenv',
  'file.base',
  'constraints',
  'platform',
  'meta.ignorecache',
  'meta.description',
  'meta.exportcache',
  'mergeop',
  'diffop',
  'exporter.image.annotations',
  'exporter.multiple',
  'exporter.sourcedateepoch',
];

/** BuildKit's limit. */
const waitMilliseconds = 3000;

/** The gateway: BuildKit's interface for frontends, here for those that run in a client. */
export function addGateway(
  handlers: Handlers,
  {
    builds,
    isOver,
    worker,
  }: { builds: Arrivals<DrivenBuild>; isOver: (id: string) => boolean; worker: () => WorkerFields },
): void {
  const { method } = LLBBridge;
  unary(handlers, method.ping, async (_request, call) => {
    await buildOf(call);
    return create(PongResponseSchema, {
      FrontendAPICaps: gatewayAbilities.map((ID) => ({ ID, Enabled: true })),
      LLBCaps: graphAbilities.map((ID) => ({ ID, Enabled: true })),
      Workers: [worker()],
    });
  });
  unary(handlers, method.inputs, async () => create(InputsResponseSchema));
  unary(handlers, method.solve, async (request, call) => {
    const { bridge } = await buildOf(call);
    const { Definition: definition, Frontend: frontend, FrontendOpt: options, FrontendInputs, Evaluate } = request;
    const cacheImports = request.CacheImports.map(decodeCacheEntry);
    const inputs = Object.entries(FrontendInputs).map(([name, input]) => [name, definitionFrom(input)] as const);
    const result = await bridge.solve(
      frontend === ''
        ? {
            definition: definition ? definitionFrom(definition) : { def: [], metadata: {} },
            cacheImports,
            evaluate: Evaluate,
          }
        : { frontend, options, inputs: Object.fromEntries(inputs), evaluate: Evaluate },
    );
    return create(SolveResponseSchema, { result: encodeResult(result) });
  });
  unary(handlers, method.resolveImageConfig, async (request, call) => {
    const { bridge } = await buildOf(call);
    const { Platform: platform, ResolveMode: resolveMode, LogName: logName } = request;
    const { digest, config, reference } = await bridge.resolveImageConfig(request.Ref, {
      resolveMode,
      logName,
      ...(platform && {
        platform: { os: platform.OS, architecture: platform.Architecture, variant: platform.Variant },
      }),
    });
    return create(ResolveImageConfigResponseSchema, { Digest: digest, Config: config, Ref: reference });
  });
  unary(handlers, method.readFile, async (request, call) => {
    const { bridge } = await buildOf(call);
    const range = request.Range && { offset: Number(request.Range.Offset), length: Number(request.Range.Length) };
    const Data = await bridge.readFile(bridge.refOf(request.Ref), request.FilePath, range);
    return create(ReadFileResponseSchema, { Data });
  });
  unary(handlers, method.readDir, async (request, call) => {
    const { bridge } = await buildOf(call);
    const listed = await bridge.readDirectory(bridge.refOf(request.Ref), request.DirPath, request.IncludePattern);
    return create(ReadDirResponseSchema, { entries: listed.map(({ name, stat }) => encodeStat(stat, { path: name })) });
  });
  unary(handlers, method.statFile, async (request, call) => {
    const { bridge } = await buildOf(call);
    const stat = await bridge.statFile(bridge.refOf(request.Ref), request.Path);
    return create(StatFileResponseSchema, { stat: encodeStat(stat, { path: byteName(posix.basename(request.Path)) }) });
  });
  unary(handlers, method.evaluate, async (request, call) => {
    const { bridge } = await buildOf(call);
    await bridge.refOf(request.Ref).evaluate();
    return create(EvaluateResponseSchema);
  });
  unary(handlers, method.return, async ({ result, error }, call) => {
    const build = await buildOf(call);
    if (error) build.fail(new GrpcError(error.code, error.message));
    else if (result) build.return(resultFrom(result, (id) => build.bridge.refOf(id)));
    else build.return({ refs: new Map(), metadata: new Map() });
    return create(ReturnResponseSchema);
  });

  /** The client asks on one stream for what it starts on another. */
  async function buildOf({ headers, signal }: Call): Promise<DrivenBuild> {
    const id = String(headers['buildkit-controlapi-buildid'] ?? '');
    const missing = `no such job ${id}`;
    if (isOver(id)) throw new EngineError('not_found', missing);
    return await builds.get(id, { milliseconds: waitMilliseconds, missing, signal });
  }
}
