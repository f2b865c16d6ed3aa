import type { BuildExplanation, BuildRecordInspect, BuildRecordSummary } from '@wharf/api/build-history';
import type { ErrorCode } from '@wharf/base/error';
import { type BuildRecord, type StepRecord, statusOf } from '@wharf/build/history/build-record';
import { causeDetails, describeCause } from '@wharf/build/history/explain/describe-cause';
import type { StepExplanation } from '@wharf/build/history/explain/step-explanation';
import { provenanceType } from '@wharf/build/history/provenance';

/** A record as clients see it. */
export function recordView(record: BuildRecord): BuildRecordSummary {
  const { ref, name, createdAt, completedAt, error, steps, provenance } = record;
  return {
    Ref: ref,
    Name: name,
    Status: statusOf(record),
    CreatedAt: timeOf(createdAt),
    ...(completedAt !== undefined && { CompletedAt: timeOf(completedAt) }),
    Now: timeOf(Date.now()),
    Frontend: record.frontend,
    FrontendAttrs: record.options,
    Exporters: record.exporters.map(({ type, attributes }) => ({ Type: type, Attrs: attributes })),
    ExporterResponse: record.response,
    ...(error && {
      Error: {
        Name: nameOf(error.code),
        Message: error.message,
        ...(error.vertex !== undefined && { Vertex: error.vertex }),
      },
    }),
    NumTotalSteps: steps.total,
    NumCompletedSteps: steps.completed,
    NumCachedSteps: steps.cached,
    NumWarnings: steps.warnings,
    Materials: record.materials.map(({ uri, digest }) => ({ URI: uri, Digest: digest })),
    Attachments: provenance ? [{ Type: provenanceType, Digest: provenance.digest }] : [],
    Pinned: record.pinned,
  };
}

/** The same with its graph. */
export function recordInspectView(record: BuildRecord, steps: readonly StepRecord[]): BuildRecordInspect {
  return {
    ...recordView(record),
    Vertices: steps.map(({ vertex, name, inputs, outcome, started, completed, error }) => ({
      Digest: vertex,
      Name: name,
      Inputs: [...inputs],
      Outcome: outcome,
      Started: timeOf(started),
      Completed: timeOf(completed),
      ...(error !== undefined && { Error: error }),
    })),
  };
}

/** Why steps were cached or not, in words. */
export function explanationView(record: BuildRecord, steps: readonly StepExplanation[]): BuildExplanation {
  const compared = steps.flatMap(({ comparedWith }) => comparedWith ?? []);
  return {
    Ref: record.ref,
    Name: record.name,
    Status: statusOf(record),
    ComparedWith: [...new Set(compared)],
    Steps: steps.map(({ vertex, name, outcome, milliseconds, causes, error }) => ({
      Digest: vertex,
      Name: name,
      Outcome: outcome,
      Milliseconds: Math.round(milliseconds),
      Reasons: causes.map((cause) => ({ Kind: cause.kind, Text: describeCause(cause), Details: causeDetails(cause) })),
      ...(error !== undefined && { Error: error }),
    })),
  };
}

function timeOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

/** As gRPC calls it, which is what buildx shows. */
function nameOf(code: ErrorCode): string {
  const words = code.split('_').map((word) => word[0]!.toUpperCase() + word.slice(1));
  return code === 'internal' || code === 'conflict' || code === 'not_modified' ? 'Unknown' : words.join('');
}
