import { encodeEvent } from '@wharf/api/events';
import { invalidArgument } from '@wharf/base/error';
import type { Engine } from '@wharf/engine/engine';
import { diskUsageFor } from '../compat/disk-usage.ts';
import { eventFor } from '../compat/event.ts';
import { infoFor } from '../compat/info.ts';
import type { Context } from '../context.ts';
import { type Route, route } from '../router.ts';

// Headers of _ping are what clients negotiate by; the rest of them is common to all answers.
const pingHeaders = {
  'Builder-Version': '1',
  'Cache-Control': 'no-cache, no-store, must-revalidate',
  Pragma: 'no-cache',
  Swarm: 'inactive',
};

const diskUsageTypes = ['container', 'image', 'volume', 'build-cache'];

export function systemRoutes({ system, warm }: Pick<Engine, 'system' | 'warm'>): Route[] {
  function ping(context: Context, body: string): void {
    warm();
    context.text(200, body, pingHeaders);
  }
  return [
    route('GET', '/_ping', (context) => ping(context, 'OK')),
    route('HEAD', '/_ping', (context) => ping(context, '')),
    route('GET', '/version', async (context) => context.json(200, await system.version())),
    route('GET', '/info', async (context) => context.json(200, infoFor(context.version, await system.info()))),
    route('GET', '/system/df', async (context) => {
      const types = requestedTypes(context.query.all('type'));
      const usage = await system.diskUsage(types);
      context.json(200, diskUsageFor(context.version, usage, context.query));
    }),
    route('GET', '/events', sendEvents),
  ];

  async function sendEvents<P>(context: Context<P>): Promise<void> {
    const { query, signal, version } = context;
    const since = query.pointInTime('since');
    const until = query.pointInTime('until');
    if (since !== undefined && until !== undefined && since > until) {
      throw invalidArgument(
        `\`since\` time (${query.text('since')}) cannot be after \`until\` time (${query.text('until')})`,
      );
    }
    const events = system.events(
      { ...(since !== undefined && { since }), ...(until !== undefined && { until }), filters: query.filters() },
      signal,
    );
    const { contentType, frame } = eventFormat(context.header('accept') ?? '');
    const response = context.startStream(contentType);
    for await (const event of events) {
      if (!response.write(frame(eventFor(version, event, encodeEvent(event))))) await response.drained();
    }
    response.end();
  }
}

function requestedTypes(types: string[]): string[] {
  for (const type of types) {
    if (!diskUsageTypes.includes(type)) throw invalidArgument(`unknown object type: ${type}`);
  }
  return types.length > 0 ? types : diskUsageTypes;
}

interface EventFormat {
  readonly contentType: string;
  readonly frame: (json: string) => string;
}

/** The formats that clients may ask for since 1.52; plain JSON objects one after another else. */
function eventFormat(accept: string): EventFormat {
  const line = (json: string) => `${json}\n`;
  for (const part of accept.split(',')) {
    const contentType = part.split(';')[0]!.trim().toLowerCase();
    if (contentType === 'application/json') break;
    if (contentType === 'application/x-ndjson' || contentType === 'application/jsonl') {
      return { contentType, frame: line };
    }
    // RFC 7464: each text starts with a record separator.
    if (contentType === 'application/json-seq') return { contentType, frame: (json) => `\x1e${json}\n` };
  }
  return { contentType: 'application/json', frame: line };
}
