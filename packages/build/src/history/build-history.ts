import { createHash } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { conflict, EngineError, notFound } from '@wharf/base/error';
import type { Collection, Database } from '@wharf/store/metadata/database';
import type { StatusResponse } from '../pb/control_pb.ts';
import { encodeProgress } from '../wire/messages.ts';
import { ProgressLog } from '../wire/progress-log.ts';
import type { BuildRecord, HistoryBlob, StepRecord } from './build-record.ts';
import { type BuildDescription, describeBuild } from './describe-build.ts';
import { FileIndexes } from './file-indexes.ts';
import { ProgressFile, readProgressFile } from './progress-file.ts';
import { provenanceOf } from './provenance.ts';
import { Recording } from './recording.ts';
import { SecretValues } from './secret-values.ts';

/** How many builds are kept: as long as they are young enough, there may be more. BuildKit's defaults. */
interface HistoryLimits {
  readonly entries: number;
  readonly milliseconds: number;
}

const defaultLimits: HistoryLimits = { entries: 50, milliseconds: 48 * 3600 * 1000 };

/** However young, no more than this. */
const mostRecords = 500;
const flushMilliseconds = 500;

export interface HistoryChange {
  readonly type: 'started' | 'complete' | 'deleted';
  readonly record: BuildRecord;
}

interface HistoryDeps {
  /** Its own. */
  readonly directory: string;
  readonly database: Database;
  readonly limits?: HistoryLimits;
}

/**
 * The builds of this daemon. A row is whole from its first moment on: one that a daemon has left running becomes one
 * that failed. What belongs to it lies in a directory of its own, and what has no row is removed.
 */
export class BuildHistory {
  readonly #directory: string;
  readonly #limits: HistoryLimits;
  readonly #records: Collection<BuildRecord>;
  readonly #running = new Map<string, Running>();
  readonly #saving = new Map<string, Promise<void>>();
  readonly #changes = new EventEmitter<{ change: [HistoryChange] }>();
  readonly #indexes: FileIndexes;

  constructor({ directory, database, limits = defaultLimits }: HistoryDeps) {
    this.#directory = directory;
    this.#limits = limits;
    this.#changes.setMaxListeners(0);
    this.#records = database.collection<BuildRecord>('build-records', { relaxed: true });
    mkdirSync(join(directory, 'builds'), { recursive: true, mode: 0o700 });
    this.#recover();
    this.#indexes = new FileIndexes(join(directory, 'files'));
  }

  /** Builds that an earlier daemon did not see the end of have failed. */
  #recover(): void {
    const message = 'the daemon ended before the build did';
    for (const record of [...this.#records.values()]) {
      if (record.completedAt !== undefined) continue;
      const file = new ProgressFile(join(this.directoryOf(record.ref), 'logs'));
      const logs = file.adopt();
      const error = { code: 'unavailable', message } as const;
      this.#records.put(record.ref, { ...record, completedAt: Date.now(), error, ...(logs && { logs }) });
    }
    const kept = new Set([...this.#records.values()].map(({ ref }) => directoryName(ref)));
    const builds = join(this.#directory, 'builds');
    for (const name of readdirSync(builds)) {
      if (!kept.has(name)) rmSync(join(builds, name), { recursive: true, force: true });
    }
  }

  /** Newest first. */
  records(): BuildRecord[] {
    const running = [...this.#running.values()].map(({ recording }) => recording.record);
    const over = [...this.#records.values()].filter(({ ref }) => !this.#running.has(ref));
    return [...running, ...over].sort((a, b) => b.createdAt - a.createdAt);
  }

  /** By its reference, the client's name for it, the beginning of one, or `^N`: the Nth before the last. */
  find(name: string): BuildRecord {
    const records = this.records();
    const offset = /^\^(\d+)$/.exec(name)?.[1] ?? (name === '' ? '0' : undefined);
    if (offset !== undefined) {
      const record = records[Number(offset)];
      if (record) return record;
      throw notFound(records.length === 0 ? 'no builds yet' : `no build found with offset ${offset}`);
    }
    const exact = records.find(({ ref, alias }) => ref === name || alias === name);
    if (exact) return exact;
    const found = records.filter(({ ref }) => ref.startsWith(name));
    if (found.length > 1) throw conflict(`multiple builds found with the prefix ${name}`);
    if (!found[0]) throw notFound(`no record found for ref ${JSON.stringify(name)}`);
    return found[0];
  }

  /** Takes down a build. What shows its progress may have been there before it. */
  begin(build: BuildDescription, log: ProgressLog = new ProgressLog()): Recording {
    const record = describeBuild(build, Date.now());
    const recording = new Recording({
      begun: record,
      secrets: new SecretValues(build.options),
      log,
      onEnd: () => this.#end(running),
    });
    const file = new ProgressFile(join(this.directoryOf(record.ref), 'logs'));
    const timer = setInterval(() => this.#flush(running), flushMilliseconds);
    timer.unref();
    const running: Running = { recording, file, written: 0, timer };
    if (this.#records.has(record.ref)) this.#forget(record.ref);
    this.#running.set(record.ref, running);
    this.#records.put(record.ref, record);
    this.#changes.emit('change', { type: 'started', record });
    return recording;
  }

  #flush(running: Running): void {
    const { recording, file } = running;
    const events = recording.since(running.written);
    if (events.length === 0) return;
    running.written += events.length;
    mkdirSync(this.directoryOf(recording.ref), { recursive: true, mode: 0o700 });
    file.append(events);
  }

  /** Its client has been answered before anything is written. */
  #end(running: Running): void {
    clearInterval(running.timer);
    const { ref } = running.recording;
    const saved = new Promise<void>((resolve) => setImmediate(resolve)).then(() => this.#finish(running));
    const done = saved.finally(() => {
      if (this.#saving.get(ref) === done) this.#saving.delete(ref);
    });
    done.catch(() => undefined);
    this.#saving.set(ref, done);
  }

  #finish(running: Running): void {
    const { record } = running.recording;
    const { ref } = record;
    // Another build has its name by now.
    if (this.#running.get(ref) !== running) return;
    let blobs: Pick<BuildRecord, 'logs' | 'provenance'> = {};
    try {
      blobs = this.#save(running);
    } catch {
      // A full disk: that there was this build is worth more than what it said.
    }
    const whole = { ...record, ...blobs, generation: 1 };
    this.#records.put(ref, whole);
    this.#running.delete(ref);
    this.#changes.emit('change', { type: 'complete', record: whole });
    this.#limit();
  }

  #save(running: Running): Pick<BuildRecord, 'logs' | 'provenance'> {
    const { recording, file } = running;
    const directory = this.directoryOf(recording.ref);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.#flush(running);
    for (const [digest, entries] of recording.indexes) this.#indexes.put(digest, entries);
    writeFileSync(join(directory, 'steps.json'), JSON.stringify(recording.steps), { mode: 0o600 });
    const provenance = writeBlob(join(directory, 'provenance.json'), provenanceOf(recording.record));
    return { logs: file.blob(), provenance };
  }

  /** Those that are too many and too old. */
  #limit(): void {
    const { entries, milliseconds } = this.#limits;
    const over = this.records().filter(({ pinned, completedAt }) => !pinned && completedAt !== undefined);
    const oldest = Date.now() - milliseconds;
    for (const [index, { ref, completedAt = 0 }] of over.entries()) {
      if (index >= mostRecords || (index >= entries && completedAt < oldest)) this.#forget(ref);
    }
  }

  /** Resolves when all that is told of builds that are over is written. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#saving.values()]);
  }

  /** Throws conflict for one that runs. */
  remove(ref: string): void {
    const record = this.find(ref);
    if (record.completedAt === undefined) throw conflict(`build ${record.ref} is running: cancel it first`);
    this.#forget(record.ref);
  }

  pin(ref: string, pinned: boolean): BuildRecord {
    const found = this.find(ref);
    if (found.completedAt === undefined) throw conflict(`build ${found.ref} is running`);
    const record = { ...found, pinned, generation: found.generation + 1 };
    this.#records.put(record.ref, record);
    this.#changes.emit('change', { type: 'complete', record });
    return record;
  }

  #forget(ref: string): void {
    const record = this.#records.get(ref);
    this.#records.delete(ref);
    const directory = this.directoryOf(ref);
    const gone = `${directory}.gone`;
    if (existsSync(directory)) renameSync(directory, gone);
    rmSync(gone, { recursive: true, force: true });
    if (record) this.#changes.emit('change', { type: 'deleted', record });
    this.#indexes.sweepLater(() => this.#readDigests());
  }

  #readDigests(): Set<string> {
    const all = [...this.#records.values()].flatMap((record) => this.stepsOf(record));
    return new Set(all.flatMap(({ parts }) => parts?.reads.map(({ digest }) => digest) ?? []));
  }

  stepsOf({ ref }: BuildRecord): readonly StepRecord[] {
    const running = this.#running.get(ref);
    if (running) return running.recording.steps;
    const path = join(this.directoryOf(ref), 'steps.json');
    return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as StepRecord[]) : [];
  }

  /** Paths and what stands for each; undefined where that is not kept. */
  filesOf(digest: string): ReadonlyMap<string, string> | undefined {
    for (const { recording } of this.#running.values()) {
      const entries = recording.indexes.get(digest);
      if (entries) return new Map(entries);
    }
    return this.#indexes.get(digest);
  }

  /** The progress of one that runs. */
  logOf(ref: string): ProgressLog | undefined {
    return this.#running.get(ref)?.recording.log;
  }

  /** What its progress showed; of one that runs, to its end. */
  async *progress(ref: string, signal: AbortSignal): AsyncGenerator<StatusResponse, void, undefined> {
    const log = this.logOf(ref);
    if (log) for await (const events of log.follow(signal)) yield encodeProgress(events);
    else if (existsSync(this.progressPath(ref))) yield* readProgressFile(this.progressPath(ref));
  }

  /** Of a build that is over. */
  has(ref: string): boolean {
    return this.#records.has(ref) && !this.#running.has(ref);
  }

  progressPath(ref: string): string {
    return join(this.directoryOf(ref), 'logs');
  }

  /** Throws not_found. */
  blobPath(digest: string): { readonly path: string; readonly blob: HistoryBlob; readonly record: BuildRecord } {
    for (const record of this.#records.values()) {
      const { logs, provenance } = record;
      if (logs?.digest === digest) return { path: this.progressPath(record.ref), blob: logs, record };
      if (provenance?.digest !== digest) continue;
      return { path: join(this.directoryOf(record.ref), 'provenance.json'), blob: provenance, record };
    }
    throw new EngineError('not_found', `content ${digest}: not found`);
  }

  /** Answers how to stop it. */
  onChange(listener: (change: HistoryChange) => void): () => void {
    this.#changes.on('change', listener);
    return () => this.#changes.off('change', listener);
  }

  directoryOf(ref: string): string {
    return join(this.#directory, 'builds', directoryName(ref));
  }
}

interface Running {
  readonly recording: Recording;
  readonly file: ProgressFile;
  /** Events that are in the file. */
  written: number;
  readonly timer: NodeJS.Timeout;
}

/** References are the clients' to choose. */
function directoryName(ref: string): string {
  return createHash('sha256').update(ref).digest('hex').slice(0, 32);
}

function writeBlob(path: string, text: string): HistoryBlob {
  writeFileSync(path, text, { mode: 0o600 });
  return { digest: `sha256:${createHash('sha256').update(text).digest('hex')}`, size: Buffer.byteLength(text) };
}
