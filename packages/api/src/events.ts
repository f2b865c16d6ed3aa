import type { StringMap } from './common.ts';
import { escapeHtml } from './streams/json-message.ts';

export type EventType =
  | 'builder'
  | 'config'
  | 'container'
  | 'daemon'
  | 'image'
  | 'network'
  | 'node'
  | 'plugin'
  | 'secret'
  | 'service'
  | 'volume';

export interface EventMessage {
  Type: EventType;
  /** `start`, `exec_create: cmd`, `health_status: healthy`... */
  Action: string;
  Actor: { ID: string; Attributes: StringMap };
  scope: 'local' | 'swarm';
  /** Unix seconds. */
  time: number;
  /** Unix nanoseconds: beyond what a double holds. */
  timeNano: bigint;
}

/** One event as JSON. By hand for `timeNano`: JSON.stringify knows no integers of 64 bits. */
export function encodeEvent({ timeNano, ...event }: EventMessage): string {
  return escapeHtml(`${JSON.stringify(event).slice(0, -1)},"timeNano":${timeNano}}`);
}
