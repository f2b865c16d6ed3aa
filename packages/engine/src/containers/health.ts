import type { Health, HealthConfig, HealthcheckResult, HealthStatus } from '@wharf/api/container';
import type { EventPublisher } from '../events.ts';
import type { ContainerRecord } from './container-record.ts';
import { isUp } from './container-state.ts';
import { publishContainer } from './publish.ts';

const nanosPerMilli = 1e6;
const keptResults = 5;

/** One run of the check: what it said and how it ended. Never rejects. */
export type Probe = (container: ContainerRecord, timeoutMilliseconds: number) => Promise<HealthcheckResult>;

interface Monitor {
  health: { Status: HealthStatus; FailingStreak: number; Log: HealthcheckResult[] };
  timer: NodeJS.Timeout | undefined;
  ended: boolean;
}

/** Checks the health of containers that say how: Docker's timing and states. Results live as long as the run. */
export class HealthMonitor {
  readonly #monitors = new Map<string, Monitor>();
  readonly #events: EventPublisher;
  readonly #probe: Probe;
  readonly #find: (id: string) => ContainerRecord | undefined;

  constructor(events: EventPublisher, find: (id: string) => ContainerRecord | undefined, probe: Probe) {
    this.#events = events;
    this.#find = find;
    this.#probe = probe;
  }

  /** The container has started, or a daemon found it running. */
  begin(container: ContainerRecord): void {
    this.end(container.id);
    const check = checkOf(container);
    if (!check) return;
    const monitor: Monitor = {
      health: { Status: 'starting', FailingStreak: 0, Log: [] },
      timer: undefined,
      ended: false,
    };
    this.#monitors.set(container.id, monitor);
    this.#schedule(container.id, monitor, check, Date.now());
  }

  end(id: string): void {
    const monitor = this.#monitors.get(id);
    if (!monitor) return;
    monitor.ended = true;
    clearTimeout(monitor.timer);
    // The last results stay to be inspected until the container starts again or goes.
  }

  forget(id: string): void {
    this.end(id);
    this.#monitors.delete(id);
  }

  /** undefined for a container without a check. */
  inspect({ id }: ContainerRecord): Health | undefined {
    return this.#monitors.get(id)?.health;
  }

  summary({ id }: ContainerRecord): { Status: HealthStatus; FailingStreak: number } {
    const health = this.#monitors.get(id)?.health;
    return health
      ? { Status: health.Status, FailingStreak: health.FailingStreak }
      : { Status: 'none', FailingStreak: 0 };
  }

  close(): void {
    for (const id of this.#monitors.keys()) this.end(id);
  }

  #schedule(id: string, monitor: Monitor, check: Check, startedAt: number): void {
    const starting = monitor.health.Status === 'starting' && Date.now() - startedAt < check.startPeriod;
    const delay = starting ? check.startInterval : check.interval;
    monitor.timer = setTimeout(() => void this.#run(id, monitor, check, startedAt), delay);
  }

  async #run(id: string, monitor: Monitor, check: Check, startedAt: number): Promise<void> {
    const container = this.#find(id);
    if (!container || !isUp(container.state.status)) return;
    if (container.state.status === 'running') {
      const result = await this.#probe(container, check.timeout);
      if (monitor.ended) return;
      this.#record(id, monitor, check, startedAt, result);
    }
    this.#schedule(id, monitor, check, startedAt);
  }

  #record(id: string, monitor: Monitor, check: Check, startedAt: number, result: HealthcheckResult): void {
    const before = monitor.health;
    const forgiven = before.Status === 'starting' && Date.parse(result.Start) - startedAt < check.startPeriod;
    const failed = result.ExitCode !== 0;
    const streak = !failed ? 0 : forgiven ? before.FailingStreak : before.FailingStreak + 1;
    const status = !failed ? 'healthy' : streak >= check.retries ? 'unhealthy' : before.Status;
    monitor.health = { Status: status, FailingStreak: streak, Log: [...before.Log, result].slice(-keptResults) };
    const container = this.#find(id);
    if (container && status !== before.Status) publishContainer(this.#events, container, `health_status: ${status}`);
  }
}

/** Milliseconds, with Docker's defaults in place of 0. */
interface Check {
  readonly interval: number;
  readonly timeout: number;
  readonly startPeriod: number;
  readonly startInterval: number;
  readonly retries: number;
}

function checkOf({ config }: ContainerRecord): Check | undefined {
  const health = config.Healthcheck;
  if (!health || healthCommand(health, config.Shell) === undefined) return undefined;
  return {
    interval: (health.Interval || 30e9) / nanosPerMilli,
    timeout: (health.Timeout || 30e9) / nanosPerMilli,
    startPeriod: health.StartPeriod / nanosPerMilli,
    startInterval: (health.StartInterval || 5e9) / nanosPerMilli,
    retries: health.Retries || 3,
  };
}

/** The program that checks; undefined for NONE and for no test at all. */
export function healthCommand(health: HealthConfig, shell: readonly string[] | null): string[] | undefined {
  const [kind, ...rest] = health.Test ?? [];
  if (rest.length === 0) return undefined;
  if (kind === 'CMD') return rest;
  if (kind === 'CMD-SHELL') return [...(shell && shell.length > 0 ? shell : ['/bin/sh', '-c']), rest[0]!];
  return undefined;
}
