import type { EventMessage } from '@wharf/api/events';
import { checkFilterNames, type Filters, filterValues, matchesExactly, matchesLabels } from '@wharf/api/filters';
import type { EngineDeps } from '../engine-deps.ts';

const accepted = [
  'config',
  'container',
  'daemon',
  'event',
  'image',
  'label',
  'network',
  'node',
  'plugin',
  'scope',
  'secret',
  'service',
  'type',
  'volume',
];
/** Actions that carry a suffix after a colon. */
const suffixed = ['health_status', 'exec_create', 'exec_start'];

export interface EventsOptions {
  /** Unix seconds with fraction. */
  readonly since?: number;
  readonly until?: number;
  readonly filters: Filters;
}

export function streamEvents(
  { events }: Pick<EngineDeps, 'events'>,
  { since, until, filters }: EventsOptions,
  signal: AbortSignal,
): AsyncIterable<EventMessage> {
  checkFilterNames(filters, accepted);
  const subscription = {
    ...(since !== undefined && { since: toNanos(since) }),
    ...(until !== undefined && { until: toNanos(until) }),
    accepts: (event: EventMessage) => acceptsEvent(filters, event),
  };
  return events.subscribe(subscription, signal);
}

function toNanos(seconds: number): bigint {
  const whole = Math.trunc(seconds);
  return BigInt(whole) * 1_000_000_000n + BigInt(Math.round((seconds - whole) * 1e9));
}

/** Docker's rules: objects by id, id prefix or name; the type of an object's filter must be the event's. */
export function acceptsEvent(filters: Filters, event: EventMessage): boolean {
  return (
    matchesAction(filters, event.Action) &&
    matchesExactly(filters, 'type', event.Type) &&
    matchesExactly(filters, 'scope', event.scope) &&
    matchesLabels(filters, 'label', event.Actor.Attributes) &&
    objectTypes.every((type) => matchesObject(filters, type, event)) &&
    matchesImage(filters, event)
  );
}

const objectTypes = [
  'container',
  'daemon',
  'network',
  'node',
  'plugin',
  'secret',
  'service',
  'volume',
  'config',
] as const;

function matchesAction(filters: Filters, action: string): boolean {
  const wanted = filterValues(filters, 'event');
  if (wanted.length === 0) return true;
  const plain = action.split(':', 1)[0]!;
  return wanted.some((value) => value === action || (suffixed.includes(plain) && action.startsWith(value)));
}

function matchesObject(filters: Filters, type: EventMessage['Type'], { Type, Actor }: EventMessage): boolean {
  const wanted = filterValues(filters, type);
  if (wanted.length === 0) return true;
  const name = Actor.Attributes.name ?? '';
  return Type === type && wanted.some((value) => Actor.ID.startsWith(value) || name === value);
}

/** An image filter also lets pass the events of containers made from it. */
function matchesImage(filters: Filters, { Type, Actor }: EventMessage): boolean {
  const wanted = filterValues(filters, 'image');
  if (wanted.length === 0) return true;
  if (Type !== 'image' && Type !== 'container') return false;
  const image = (Type === 'container' ? Actor.Attributes.image : Actor.Attributes.name) ?? '';
  const names = [Actor.ID, image, withoutTag(image)];
  return wanted.some((value) => names.includes(value) || names.includes(withoutTag(value)));
}

function withoutTag(reference: string): string {
  return reference.replace(/:[^:/]*$/, '');
}
