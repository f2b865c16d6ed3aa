import type { ContainerInspect } from '@wharf/api/container';
import { ExitError } from '../../exit-error.ts';
import { bool, text } from '../../flags/flag.ts';
import { parsePoint } from '../../flags/point-in-time.ts';
import { defineCommand, exactly } from '../command.ts';
import { segment } from '../for-each.ts';
import { copyFrames } from './stream.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER',
  args: exactly(1),
  complete: ['container'],
  flags: {
    details: bool('Show the extra details that the log driver was given'),
    follow: bool('Go on with what is written from now on', { short: 'f' }),
    since: text('Only lines after this time (e.g. "2013-01-02T13:23:37Z", "42m")', { complete: 'none' }),
    tail: text('Only this many of the last lines', { short: 'n', initial: 'all', complete: 'none' }),
    timestamps: bool('Start each line with its time', { short: 't' }),
    until: text('Only lines before this time', { complete: 'none' }),
  },
  async run(cli, flags, [container = '']) {
    const client = await cli.client();
    const path = `/containers/${segment(container)}`;
    const { Config } = await client.json<ContainerInspect>('GET', `${path}/json`);
    const { body } = await client.request('GET', `${path}/logs`, {
      query: {
        stdout: true,
        stderr: true,
        since: point('since', flags.since),
        until: point('until', flags.until),
        timestamps: flags.timestamps || undefined,
        details: flags.details || undefined,
        follow: flags.follow || undefined,
        tail: flags.tail,
      },
    });
    if (!Config.Tty) return copyFrames(cli, body);
    for await (const chunk of body) await cli.out.write(chunk);
  },
});

function point(name: string, value: string): string | undefined {
  if (value === '') return undefined;
  try {
    return parsePoint(value);
  } catch (error) {
    throw new ExitError(1, `invalid value for "${name}": ${error instanceof Error ? error.message : String(error)}`);
  }
}
