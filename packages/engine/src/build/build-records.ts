import type { BuildExplanation, BuildRecordInspect, BuildRecordSummary, BuildStatus } from '@wharf/api/build-history';
import type { BuildHistory } from '@wharf/build/history/build-history';
import { explainBuild } from '@wharf/build/history/explain/explain-build';
import { parseRecordFilter } from '@wharf/build/history/history-filter';
import { shownProgress } from '@wharf/build/history/status-json';
import { explanationView, recordInspectView, recordView } from './record-views.ts';

/** Builds that a build is compared with, should the last one have broken off. */
const mostCompared = 10;

/** What is asked of builds that were. A record is named by its reference, the beginning of one, or `^N`. */
export interface BuildRecords {
  /** Newest first. Each filter is a term such as `status=error`; a record has to pass all of them. */
  records(filters: readonly string[]): Promise<BuildRecordSummary[]>;
  record(name: string): Promise<BuildRecordInspect>;
  /** Answers its reference. Throws conflict for one that runs. */
  removeRecord(name: string): Promise<string>;
  /** Keeps one however many come after it. */
  pinRecord(name: string, pinned: boolean): Promise<void>;
  /** What its progress showed, or shows until it ends. */
  recordLog(name: string, signal: AbortSignal): Promise<AsyncIterable<BuildStatus>>;
  explain(name: string): Promise<BuildExplanation>;
}

/** `open` answers the history, which is not looked into before it is asked for. */
export function buildRecords(open: () => BuildHistory): BuildRecords {
  /** What was told of a build that is over is written by then. */
  async function settled(): Promise<BuildHistory> {
    const history = open();
    await history.settled();
    return history;
  }
  return {
    async records(filters) {
      const now = Date.now();
      const accepts = filters.map((text) => parseRecordFilter(text, now));
      const history = await settled();
      return history
        .records()
        .filter((record) => accepts.every((accept) => accept(record)))
        .map(recordView);
    },
    async record(name) {
      const history = await settled();
      const record = history.find(name);
      return recordInspectView(record, history.stepsOf(record));
    },
    async removeRecord(name) {
      const history = await settled();
      const { ref } = history.find(name);
      history.remove(ref);
      return ref;
    },
    async pinRecord(name, pinned) {
      (await settled()).pin(name, pinned);
    },
    async recordLog(name, signal) {
      const history = await settled();
      return shownProgress(history, history.find(name).ref, signal);
    },
    async explain(name) {
      const history = await settled();
      const record = history.find(name);
      const earlier = history
        .records()
        .filter(
          ({ line, ref, createdAt }) => line === record.line && ref !== record.ref && createdAt <= record.createdAt,
        )
        .slice(0, mostCompared);
      const built = (each: typeof record) => ({ record: each, steps: history.stepsOf(each) });
      const steps = explainBuild(built(record), earlier.map(built), (digest) => history.filesOf(digest));
      return explanationView(record, steps);
    },
  };
}
