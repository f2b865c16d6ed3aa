import type { ExecCreateRequest } from '@wharf/api/exec';

/** One exec. Kept in memory: it dies with its container, and with the daemon unless it is running. */
export interface ExecRecord {
  readonly id: string;
  readonly containerId: string;
  readonly request: ExecCreateRequest;
  readonly status: 'created' | 'starting' | 'running' | 'exited';
  readonly pid: number;
  readonly exitCode: number | undefined;
}
