import type { Collected } from './garbage/collect-garbage.ts';
import type { AccessEntry } from './registry-server.ts';

const buckets = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60] as const;

interface Histogram {
  readonly counts: number[];
  count: number;
  sum: number;
}

/** What Prometheus asks for at `/metrics`. Labels are from closed sets: a repository's name is none. */
export class Metrics {
  readonly #requests = new Map<string, number>();
  readonly #durations = new Map<string, Histogram>();
  #bytesOut = 0;
  #collectedBlobs = 0;
  #collectedBytes = 0;
  readonly #upstream = new Map<string, number>();

  observe({ method, kind, status, milliseconds, bytesOut }: AccessEntry): void {
    increase(this.#requests, `method="${knownMethod(method)}",kind="${kind}",status="${status}"`);
    this.#bytesOut += bytesOut;
    let histogram = this.#durations.get(kind);
    if (!histogram) {
      histogram = { counts: buckets.map(() => 0), count: 0, sum: 0 };
      this.#durations.set(kind, histogram);
    }
    const seconds = milliseconds / 1000;
    histogram.count++;
    histogram.sum += seconds;
    for (const [index, limit] of buckets.entries()) if (seconds <= limit) histogram.counts[index]!++;
  }

  collected({ blobs, bytes }: Collected): void {
    this.#collectedBlobs += blobs;
    this.#collectedBytes += bytes;
  }

  /** `hit`, `miss` or `stale`. */
  upstream(result: string): void {
    increase(this.#upstream, `result="${result}"`);
  }

  /** Prometheus' text format, version 0.0.4. */
  format(): string {
    const lines: string[] = [];
    const family = (name: string, type: string, help: string, samples: Iterable<readonly [string, number]>) => {
      lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
      for (const [labels, value] of samples) lines.push(`${name}${labels} ${value}`);
    };
    family('registry_http_requests_total', 'counter', 'Requests answered.', labelled(this.#requests));
    this.#formatDurations(lines);
    family('registry_http_response_bytes_total', 'counter', 'Bytes of bodies sent.', [['', this.#bytesOut]]);
    family('registry_collected_blobs_total', 'counter', 'Blobs that the collector removed.', [
      ['', this.#collectedBlobs],
    ]);
    family('registry_collected_bytes_total', 'counter', 'Bytes that the collector freed.', [
      ['', this.#collectedBytes],
    ]);
    family(
      'registry_upstream_total',
      'counter',
      'Content of other registries, by where it came from.',
      labelled(this.#upstream),
    );
    family('process_resident_memory_bytes', 'gauge', 'Resident memory.', [['', process.memoryUsage.rss()]]);
    return `${lines.join('\n')}\n`;
  }

  #formatDurations(lines: string[]): void {
    const name = 'registry_http_request_duration_seconds';
    lines.push(`# HELP ${name} Time until an answer began.`, `# TYPE ${name} histogram`);
    for (const [kind, { counts, count, sum }] of this.#durations) {
      for (const [index, limit] of buckets.entries()) {
        lines.push(`${name}_bucket{kind="${kind}",le="${limit}"} ${counts[index]}`);
      }
      lines.push(`${name}_bucket{kind="${kind}",le="+Inf"} ${count}`);
      lines.push(`${name}_sum{kind="${kind}"} ${sum}`, `${name}_count{kind="${kind}"} ${count}`);
    }
  }
}

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Anybody may send any word as a method. */
function knownMethod(method: string): string {
  return methods.has(method) ? method : 'other';
}

function increase(counters: Map<string, number>, key: string): void {
  counters.set(key, (counters.get(key) ?? 0) + 1);
}

function* labelled(counters: ReadonlyMap<string, number>): Iterable<readonly [string, number]> {
  for (const [labels, value] of counters) yield [`{${labels}}`, value];
}
