import type { HealthStatus } from '@wharf/api/container';
import type { ContainerRecord } from './container-record.ts';

/** Docker's human Status: `Up 3 minutes (Paused)`, `Exited (0) 2 hours ago`, `Created`. */
export function statusText({ state }: ContainerRecord, health: HealthStatus, now: number): string {
  const { status, exitCode } = state;
  switch (status) {
    case 'running':
      return `Up ${formatDuration(now - Date.parse(state.startedAt))}${healthText(health)}`;
    case 'paused':
      return `Up ${formatDuration(now - Date.parse(state.startedAt))} (Paused)`;
    case 'restarting':
      return `Restarting (${exitCode}) ${formatDuration(now - Date.parse(state.finishedAt))} ago`;
    case 'exited':
      return `Exited (${exitCode}) ${formatDuration(now - Date.parse(state.finishedAt))} ago`;
    case 'created':
      return 'Created';
    case 'removing':
      return 'Removal In Progress';
    case 'dead':
      return 'Dead';
  }
}

function healthText(health: HealthStatus): string {
  switch (health) {
    case 'none':
      return '';
    case 'starting':
      return ' (health: starting)';
    case 'healthy':
    case 'unhealthy':
      return ` (${health})`;
  }
}

/** go-units' HumanDuration of milliseconds: what people read in `docker ps`. */
export function formatDuration(milliseconds: number): string {
  const seconds = Math.trunc(Math.max(0, milliseconds) / 1000);
  if (seconds < 1) return 'Less than a second';
  if (seconds === 1) return '1 second';
  if (seconds < 60) return `${seconds} seconds`;
  const minutes = Math.trunc(seconds / 60);
  if (minutes === 1) return 'About a minute';
  if (minutes < 60) return `${minutes} minutes`;
  const hours = Math.round(seconds / 3600);
  if (hours === 1) return 'About an hour';
  if (hours < 48) return `${hours} hours`;
  const days = Math.trunc(hours / 24);
  if (hours < 24 * 7 * 2) return `${days} days`;
  if (hours < 24 * 30 * 2) return `${Math.trunc(days / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.trunc(days / 30)} months`;
  return `${Math.trunc(days / 365)} years`;
}
