import type { EventMessage } from '@wharf/api/events';
import { escapeHtml } from '@wharf/api/streams/json-message';
import { type ApiVersion, atLeast } from '@wharf/api/version';

/** An event's JSON as this version of the API has it: before 1.52 some facts were repeated in flat fields. */
export function eventFor(version: ApiVersion, event: EventMessage, json: string): string {
  if (atLeast(version, 52)) return json;
  const { Type, Action, Actor } = event;
  const from = Type === 'container' ? Actor.Attributes.image : undefined;
  const flat = Type === 'container' || Type === 'image' ? { status: Action, id: Actor.ID, ...(from && { from }) } : {};
  if (Object.keys(flat).length === 0) return json;
  return `${escapeHtml(JSON.stringify(flat)).slice(0, -1)},${json.slice(1)}`;
}
