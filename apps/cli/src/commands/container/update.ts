import { ExitError } from '../../exit-error.ts';
import { changedFlags, int, text } from '../../flags/flag.ts';
import { atLeast, defineCommand } from '../command.ts';
import { forEachArgument, segment } from '../for-each.ts';
import { containerFlags } from './container-flags.ts';
import { parseRestartPolicy } from './create-request.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  args: atLeast(1),
  complete: ['container'],
  flags: {
    'blkio-weight': containerFlags['blkio-weight'],
    'cpu-period': containerFlags['cpu-period'],
    'cpu-quota': containerFlags['cpu-quota'],
    'cpu-rt-period': containerFlags['cpu-rt-period'],
    'cpu-rt-runtime': containerFlags['cpu-rt-runtime'],
    'cpu-shares': containerFlags['cpu-shares'],
    cpus: containerFlags.cpus,
    'cpuset-cpus': containerFlags['cpuset-cpus'],
    'cpuset-mems': containerFlags['cpuset-mems'],
    memory: containerFlags.memory,
    'memory-reservation': containerFlags['memory-reservation'],
    'memory-swap': containerFlags['memory-swap'],
    'pids-limit': int('Most processes it may have; -1 for any number'),
    restart: text('When to start it again: "no", "on-failure[:n]", "always" or "unless-stopped"', {
      complete: ['no', 'on-failure', 'always', 'unless-stopped'],
    }),
  },
  async run(cli, flags, names) {
    const changed = flags[changedFlags];
    if (changed.size === 0) throw new ExitError(1, 'you must provide one or more flags when using this command');
    const client = await cli.client();
    const body = {
      BlkioWeight: flags['blkio-weight'],
      CpuPeriod: flags['cpu-period'],
      CpuQuota: flags['cpu-quota'],
      CpuRealtimePeriod: flags['cpu-rt-period'],
      CpuRealtimeRuntime: flags['cpu-rt-runtime'],
      CpuShares: flags['cpu-shares'],
      NanoCpus: flags.cpus,
      CpusetCpus: flags['cpuset-cpus'],
      CpusetMems: flags['cpuset-mems'],
      Memory: flags.memory,
      MemoryReservation: flags['memory-reservation'],
      MemorySwap: flags['memory-swap'],
      ...(changed.has('pids-limit') && { PidsLimit: flags['pids-limit'] }),
      RestartPolicy: changed.has('restart') ? parseRestartPolicy(flags.restart) : { Name: '', MaximumRetryCount: 0 },
    };
    const warnings: string[] = [];
    await forEachArgument(cli, names, async (name) => {
      const path = `/containers/${segment(name)}/update`;
      const { Warnings } = await client.json<{ Warnings: string[] | null }>('POST', path, { body });
      warnings.push(...(Warnings ?? []));
      return name;
    });
    if (warnings.length > 0) cli.err.print(`${warnings.join('\n')}\n`);
  },
});
