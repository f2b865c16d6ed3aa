import { createReadStream } from 'node:fs';
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { EngineError, invalidArgument } from '@wharf/base/error';
import { parseDigest } from '@wharf/oci/digest';
import type { ContentStore } from '@wharf/store/content/content-store';
import { type Handlers, streaming, unary } from '../grpc/grpc-server.ts';
import { grpcCodeOf } from '../grpc/grpc-status.ts';
import type { BuildHistory, HistoryChange } from '../history/build-history.ts';
import type { BuildRecord, HistoryBlob } from '../history/build-record.ts';
import { parseRecordFilter, splitTerms } from '../history/history-filter.ts';
import { provenanceType } from '../history/provenance.ts';
import { Content, InfoResponseSchema, ReadContentResponseSchema } from '../pb/content_pb.ts';
import {
  BuildHistoryEventSchema,
  BuildHistoryEventType,
  type BuildHistoryRequest,
  Control,
  UpdateBuildHistoryResponseSchema,
} from '../pb/control_pb.ts';

const chunkBytes = 1 << 20;
const types = {
  started: BuildHistoryEventType.STARTED,
  complete: BuildHistoryEventType.COMPLETE,
  deleted: BuildHistoryEventType.DELETED,
} as const satisfies Record<HistoryChange['type'], BuildHistoryEventType>;

/** The history of builds as buildx reads it: records, and by their digests what belongs to them. */
export function addHistory(handlers: Handlers, history: BuildHistory, content: ContentStore): void {
  // By it clients tell how long a build runs, whatever their own clock says.
  const headers = () => ({ 'buildkit-current-timestamp': new Date().toISOString() });
  streaming(
    handlers,
    Control.method.listenBuildHistory,
    (request, { signal }) => listen(history, request, signal),
    headers,
  );
  unary(handlers, Control.method.updateBuildHistory, async ({ Ref: ref, Delete, Finalize, Pinned }) => {
    await history.settled();
    if (Delete) history.remove(exact(history, ref).ref);
    else if (!Finalize) history.pin(exact(history, ref).ref, Pinned);
    return create(UpdateBuildHistoryResponseSchema);
  });
  unary(handlers, Content.method.info, async ({ digest }) => {
    const { size } = find(history, content, digest);
    return create(InfoResponseSchema, { info: { digest, size: BigInt(size) } });
  });
  streaming(handlers, Content.method.read, async function* ({ digest, offset, size: wanted }) {
    const { path, size } = find(history, content, digest);
    const start = Number(offset);
    const end = wanted > 0n ? Math.min(size, start + Number(wanted)) : size;
    if (start < 0 || start > size) throw invalidArgument(`read past object length ${size}`);
    if (start === end) return;
    let at = start;
    for await (const data of createReadStream(path, { start, end: end - 1, highWaterMark: chunkBytes })) {
      yield create(ReadContentResponseSchema, { offset: BigInt(at), data: data as Buffer });
      at += (data as Buffer).length;
    }
  });
}

async function* listen(history: BuildHistory, request: BuildHistoryRequest, signal: AbortSignal) {
  const { ActiveOnly, Ref: ref, EarlyExit, Filter, Limit } = request;
  await history.settled();
  const now = Date.now();
  const filters = Filter.map((line) => splitTerms(line).map((term) => parseRecordFilter(term, now)));
  const passes = (record: BuildRecord) =>
    (ref === '' || record.ref === ref) &&
    (filters.length === 0 || filters.some((terms) => terms.every((accepts) => accepts(record))));
  const queue: HistoryChange[] = history
    .records()
    .filter((record) => passes(record) && !(ActiveOnly && record.completedAt !== undefined))
    .slice(0, Limit > 0 ? Limit : undefined)
    .map((record) => ({ type: record.completedAt === undefined ? 'started' : 'complete', record }));
  let wake = () => {};
  const stop = history.onChange((change) => {
    if (passes(change.record)) queue.push(change);
    wake();
  });
  const leave = () => wake();
  signal.addEventListener('abort', leave, { once: true });
  try {
    while (!signal.aborted) {
      const change = queue.shift();
      if (!change && EarlyExit) return;
      if (change) {
        yield encodeChange(change);
        continue;
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      wake = resolve;
      await promise;
    }
  } finally {
    stop();
    signal.removeEventListener('abort', leave);
  }
}

/** What of a name that was cut off would be taken for another build is not found here. */
function exact(history: BuildHistory, ref: string): BuildRecord {
  const record = history.records().find((known) => known.ref === ref);
  if (record) return record;
  throw new EngineError('not_found', `failed to retrieve ref ${ref}`);
}

/** Of the history, or of an image that a build has made. */
function find(history: BuildHistory, content: ContentStore, text: string): { path: string; size: number } {
  const digest = parseDigest(text);
  const size = content.sizeOf(digest);
  if (size !== undefined) return { path: content.pathOf(digest), size };
  const { path, blob } = history.blobPath(digest);
  return { path, size: blob.size };
}

function encodeChange({ type, record }: HistoryChange) {
  if (type === 'deleted') return create(BuildHistoryEventSchema, { type: types[type], record: { Ref: record.ref } });
  const { ref, frontend, options, exporters, error, completedAt, logs, provenance, response, steps } = record;
  const result = resultOf(response);
  return create(BuildHistoryEventSchema, {
    type: types[type],
    record: {
      Ref: ref,
      Frontend: frontend,
      FrontendAttrs: { ...options },
      Exporters: exporters.map(({ type: Type, attributes }) => ({ Type, Attrs: { ...attributes } })),
      ...(error && { error: { code: grpcCodeOf(error.code), message: error.message } }),
      CreatedAt: timestampFromMs(record.createdAt),
      ...(completedAt !== undefined && { CompletedAt: timestampFromMs(completedAt) }),
      ...(logs && { logs: descriptorOf(logs, 'application/vnd.buildkit.status.v0') }),
      ExporterResponse: { ...response },
      ...((provenance || result) && {
        Result: {
          ...(result && { ResultDeprecated: result, Results: { 0: result } }),
          Attestations: provenance
            ? [
                descriptorOf(provenance, 'application/vnd.in-toto+json', {
                  'in-toto.io/predicate-type': provenanceType,
                }),
              ]
            : [],
        },
      }),
      Generation: record.generation,
      pinned: record.pinned,
      numTotalSteps: steps.total,
      numCompletedSteps: steps.completed,
      numCachedSteps: steps.cached,
      numWarnings: steps.warnings,
    },
  });
}

function descriptorOf({ digest, size }: HistoryBlob, media_type: string, annotations: Record<string, string> = {}) {
  return { mediaType: media_type, digest, size: BigInt(size), annotations };
}

/** The image that was made, where one was. */
function resultOf(response: BuildRecord['response']) {
  const text = response['containerimage.descriptor'];
  if (text === undefined) return undefined;
  const { digest, size, mediaType } = JSON.parse(Buffer.from(text, 'base64').toString()) as {
    digest: string;
    size: number;
    mediaType: string;
  };
  return descriptorOf({ digest, size }, mediaType);
}
