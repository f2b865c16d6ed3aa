import type { ApiClient } from '@wharf/api/client/api-client';
import type { ContainerSummary } from '@wharf/api/container';
import type { ContainerStats } from '@wharf/api/stats';
import type { Cli } from '../../cli.ts';
import { listFormat, noTrunc } from '../../flags/common.ts';
import { bool } from '../../flags/flag.ts';
import { formatList } from '../../format/list.ts';
import { statsRow, statsStyle } from '../../format/stats-rows.ts';
import { atLeast, defineCommand } from '../command.ts';
import { segment } from '../for-each.ts';

export const command = defineCommand({
  usage: '[OPTIONS] [CONTAINER...]',
  args: atLeast(0),
  complete: ['running-container'],
  flags: {
    all: bool('Show stopped containers too', { short: 'a' }),
    format: listFormat,
    'no-stream': bool('Show one sample and end'),
    'no-trunc': noTrunc,
  },
  async run(cli, flags, names) {
    const client = await cli.client();
    const format = flags.format || ((await cli.config()).statsFormat ?? '');
    const show = (samples: Samples) => {
      const rows = [...samples].map(([asked, sample]) => statsRow(asked, sample, !flags['no-trunc']));
      return formatList(rows, format, false, statsStyle);
    };
    if (flags['no-stream']) {
      const asked = names.length > 0 ? names : await listIds(client, flags.all);
      const samples = await Promise.all(asked.map((name) => sampleOnce(client, name)));
      cli.out.print(show(new Map(asked.map((name, index) => [name, samples[index]]))));
      return;
    }
    if (names.length > 0) await watchNamed(cli, client, names, show);
    else await watchAll(cli, client, flags.all, show);
  },
});

/** By what the user called the container; undefined until the first sample comes. */
type Samples = Map<string, ContainerStats | undefined>;

const refresh = 500;

async function listIds(client: ApiClient, all: boolean): Promise<string[]> {
  const containers = await client.json<ContainerSummary[]>('GET', '/containers/json', {
    query: { all: all || undefined },
  });
  return containers.map(({ Id }) => Id);
}

async function sampleOnce(client: ApiClient, name: string): Promise<ContainerStats> {
  return client.json('GET', `/containers/${segment(name)}/stats`, { query: { stream: '0' } });
}

async function watchNamed(
  cli: Cli,
  client: ApiClient,
  names: readonly string[],
  show: (samples: Samples) => string,
): Promise<void> {
  const samples: Samples = new Map(names.map((name) => [name, undefined]));
  const watching = Promise.all(names.map((name) => follow(client, name, samples)));
  await draw(cli, samples, show, watching);
}

/** Containers come and go: the list is asked for again, since that is one cheap request for all of them. */
async function watchAll(cli: Cli, client: ApiClient, all: boolean, show: (samples: Samples) => string): Promise<void> {
  const samples: Samples = new Map();
  const update = async (): Promise<never> => {
    for (;;) {
      const ids = new Set(await listIds(client, all));
      for (const id of samples.keys()) if (!ids.has(id)) samples.delete(id);
      for (const id of ids) {
        if (samples.has(id)) continue;
        samples.set(id, undefined);
        // One that goes away is not worth a word: it leaves the list.
        follow(client, id, samples).catch(() => samples.delete(id));
      }
      await Bun.sleep(2 * refresh);
    }
  };
  await draw(cli, samples, show, update());
}

/** Keeps the newest sample until the container is gone. */
async function follow(client: ApiClient, name: string, samples: Samples): Promise<void> {
  const path = `/containers/${segment(name)}/stats`;
  for await (const sample of client.stream<ContainerStats>('GET', path, { query: { stream: '1' } })) {
    if (!samples.has(name)) return;
    samples.set(name, sample);
  }
}

/** Draws over the last picture until the work ends. */
async function draw(
  cli: Cli,
  samples: Samples,
  show: (samples: Samples) => string,
  work: Promise<unknown>,
): Promise<void> {
  let ended = false;
  const end = work.finally(() => {
    ended = true;
  });
  end.catch(() => {});
  while (!ended) {
    // To the top; each line is cleared to its end, and what was below it too.
    cli.out.print(`\x1b[H${show(samples).replaceAll('\n', '\x1b[K\n')}\x1b[J`);
    await Promise.race([Bun.sleep(refresh), end]);
  }
  await end;
}
