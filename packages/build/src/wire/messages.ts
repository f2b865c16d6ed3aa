import { create } from '@bufbuild/protobuf';
import { type Timestamp, TimestampSchema } from '@bufbuild/protobuf/wkt';
import { type StatusResponse, StatusResponseSchema } from '../pb/control_pb.ts';
import { type Result, ResultSchema } from '../pb/gateway_pb.ts';
import type { Definition as PbDefinition } from '../pb/llb_pb.ts';
import type { Definition, FrontendResult, OpMetadata, Ref } from '../solver/frontend.ts';
import type { BuildEvent } from '../solver/progress.ts';

/** As the solver knows it; ops stay encoded, since their digests are of their bytes. */
export function definitionFrom({ def, metadata }: PbDefinition): Definition {
  const entries = Object.entries(metadata).map(([digest, op]): [string, OpMetadata] => [
    digest,
    {
      ignoreCache: op.ignoreCache,
      description: op.description,
      ...(op.exportCache && { exportCache: op.exportCache.Value }),
      ...(op.progressGroup && { progressGroup: op.progressGroup }),
    },
  ]);
  return { def, metadata: Object.fromEntries(entries) };
}

/** A result by the names that its caller asks for it by. */
export function encodeResult({ refs, metadata }: FrontendResult): Result {
  const idOf = (ref: Ref | undefined) => ({ id: ref?.id ?? '' });
  const single = refs.size === 1 && refs.has('default');
  return create(ResultSchema, {
    ...(refs.size > 0 && {
      result: single
        ? { case: 'ref', value: idOf(refs.get('default')) }
        : { case: 'refs', value: { refs: Object.fromEntries([...refs].map(([name, ref]) => [name, idOf(ref)])) } },
    }),
    metadata: Object.fromEntries(metadata),
  });
}

/** What a caller returns, which it was given before. */
export function resultFrom({ result, metadata }: Result, refOf: (id: string) => Ref): FrontendResult {
  const find = (id: string) => (id === '' ? undefined : refOf(id));
  const refs = new Map<string, Ref | undefined>();
  if (result.case === 'ref') refs.set('default', find(result.value.id));
  if (result.case === 'refDeprecated') refs.set('default', find(result.value));
  if (result.case === 'refs') for (const [name, { id }] of Object.entries(result.value.refs)) refs.set(name, find(id));
  if (result.case === 'refsDeprecated') {
    for (const [name, id] of Object.entries(result.value.refs)) refs.set(name, find(id));
  }
  return { refs, metadata: new Map(Object.entries(metadata)) };
}

export function encodeProgress(events: readonly BuildEvent[]): StatusResponse {
  return create(StatusResponseSchema, {
    vertexes: events.flatMap((event) =>
      event.kind === 'vertex' ? [{ ...times(event), ...pick(event), error: event.error ?? '' }] : [],
    ),
    statuses: events.flatMap((event) =>
      event.kind === 'status'
        ? [
            {
              ID: event.id,
              vertex: event.vertex,
              name: event.name,
              current: BigInt(event.current),
              total: BigInt(event.total),
              timestamp: timestamp(event.timestamp),
              ...times(event),
            },
          ]
        : [],
    ),
    logs: events.flatMap((event) =>
      event.kind === 'log'
        ? [
            {
              vertex: event.vertex,
              stream: BigInt(event.stream),
              msg: event.bytes,
              timestamp: timestamp(event.timestamp),
            },
          ]
        : [],
    ),
    warnings: events.flatMap((event) =>
      event.kind === 'warning'
        ? [
            {
              vertex: event.vertex,
              level: BigInt(event.level),
              short: Buffer.from(event.short),
              detail: event.detail.map((line) => Buffer.from(line)),
              url: event.url,
              ...(event.source && { info: { ...event.source } }),
              ranges: event.ranges.map(({ start, end }) => ({ start: { ...start }, end: { ...end } })),
            },
          ]
        : [],
    ),
  });
}

type VertexEvent = Extract<BuildEvent, { kind: 'vertex' }>;

function pick({ digest, inputs, name, cached, progressGroup }: VertexEvent) {
  return { digest, inputs: [...inputs], name, cached, ...(progressGroup && { progressGroup: { ...progressGroup } }) };
}

function times({ started, completed }: { readonly started?: bigint; readonly completed?: bigint }) {
  return {
    ...(started !== undefined && { started: timestamp(started) }),
    ...(completed !== undefined && { completed: timestamp(completed) }),
  };
}

function timestamp(nanoseconds: bigint): Timestamp {
  const seconds = nanoseconds / 1_000_000_000n;
  return create(TimestampSchema, { seconds, nanos: Number(nanoseconds - seconds * 1_000_000_000n) });
}
