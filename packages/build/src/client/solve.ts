import { create } from '@bufbuild/protobuf';
import { GrpcChannel } from '../grpc/grpc-client.ts';
import { Control, SolveRequestSchema, StatusRequestSchema, type StatusResponse } from '../pb/control_pb.ts';
import { SolveRequestSchema as BridgeSolveSchema, LLBBridge, ReturnRequestSchema } from '../pb/gateway_pb.ts';
import { type BuildEndpoint, upgradeToHttp2 } from './upgrade.ts';

export interface TypedAttributes {
  readonly type: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** One build, in the words of BuildKit's API. */
export interface BuildJob {
  readonly ref: string;
  readonly sessionId: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly exporters: readonly TypedAttributes[];
  readonly cacheExports: readonly TypedAttributes[];
  readonly cacheImports: readonly TypedAttributes[];
  readonly entitlements: readonly string[];
  readonly signal: AbortSignal;
  readonly onStatus: (status: StatusResponse) => void;
}

const frontend = 'dockerfile.v0';

/** BuildKit's API on one daemon. */
export async function openControl(endpoint: BuildEndpoint): Promise<GrpcChannel> {
  const { socket, head } = await upgradeToHttp2(endpoint, '/grpc');
  return new GrpcChannel(socket, head);
}

/** Builds; answers what the exporters tell. All progress has been told by then. */
export async function solve(channel: GrpcChannel, job: BuildJob): Promise<Record<string, string>> {
  return await watched(channel, job, async () => {
    const { ExporterResponse } = await channel.call(Control.method.solve, requestOf(job, frontend), job.signal);
    return ExporterResponse;
  });
}

/** Asks the frontend about a build, which is not built: `--check`, `--call`. Answers what it says, by name. */
export async function ask(channel: GrpcChannel, job: BuildJob): Promise<Record<string, Uint8Array>> {
  return await watched(channel, job, async () => {
    const { signal } = job;
    const headers = { 'buildkit-controlapi-buildid': job.ref };
    const running = channel.call(Control.method.solve, { ...requestOf(job, ''), Internal: true }, signal);
    running.catch(() => undefined);
    const { method } = LLBBridge;
    const request = create(BridgeSolveSchema, { Frontend: frontend, FrontendOpt: { ...job.attributes } });
    try {
      const { result } = await channel.call(method.solve, request, signal, headers);
      return result?.metadata ?? {};
    } finally {
      await channel.call(method.return, create(ReturnRequestSchema, { result: {} }), signal, headers);
      await running;
    }
  });
}

/** Runs a body while the progress of its build is told. */
async function watched<T>(
  channel: GrpcChannel,
  { ref, signal, onStatus }: BuildJob,
  body: () => Promise<T>,
): Promise<T> {
  const stream = channel.open(Control.method.status, {}, signal);
  stream.send(create(StatusRequestSchema, { Ref: ref }));
  stream.end();
  const told = (async () => {
    for await (const status of stream.messages()) onStatus(status);
  })();
  told.catch(() => undefined);
  try {
    return await body();
  } finally {
    // The daemon ends it when it has said all.
    await told.catch(() => undefined);
  }
}

function requestOf(job: BuildJob, Frontend: string) {
  const Exporters = job.exporters.map(encodeEntry);
  return create(SolveRequestSchema, {
    Ref: job.ref,
    Session: job.sessionId,
    Frontend,
    FrontendAttrs: Frontend === '' ? {} : { ...job.attributes },
    Exporters,
    // Older builders know one only, by these.
    ExporterDeprecated: Exporters[0]?.Type ?? '',
    ExporterAttrsDeprecated: Exporters[0]?.Attrs ?? {},
    Cache: { Exports: job.cacheExports.map(encodeEntry), Imports: job.cacheImports.map(encodeEntry) },
    Entitlements: [...job.entitlements],
  });
}

function encodeEntry({ type: Type, attributes }: TypedAttributes): { Type: string; Attrs: Record<string, string> } {
  return { Type, Attrs: { ...attributes } };
}
