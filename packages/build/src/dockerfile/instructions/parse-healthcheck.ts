import { parseDuration } from '@wharf/base/duration';
import { invalidArgument } from '@wharf/base/error';
import type { Healthcheck } from '@wharf/oci/image-config';
import { formatDuration } from '../go-format.ts';
import type { Node } from '../parser/parser.ts';
import { parseFlags } from './flags.ts';

const minimum = 1_000_000n;
const flagKinds = {
  interval: 'string',
  timeout: 'string',
  'start-period': 'string',
  'start-interval': 'string',
  retries: 'string',
} as const;

export function parseHealthcheck(node: Node): Healthcheck {
  const [typed, ...args] = node.args;
  if (typed === undefined) throw invalidArgument('HEALTHCHECK requires at least one argument');
  const type = typed.toUpperCase();
  if (type === 'NONE') {
    if (args.length > 0) throw invalidArgument('HEALTHCHECK NONE takes no arguments');
    return { Test: ['NONE'] };
  }
  const flags = parseFlags(node.flags, flagKinds);
  if (type !== 'CMD') throw invalidArgument(`Unknown type "${type}" in HEALTHCHECK (try CMD)`);
  if (args.length === 0) throw invalidArgument('Missing command after HEALTHCHECK CMD');
  return {
    Test: node.json ? ['CMD', ...args] : ['CMD-SHELL', args.join(' ')],
    ...interval('Interval', 'interval', flags.interval),
    ...interval('Timeout', 'timeout', flags.timeout),
    ...interval('StartPeriod', 'start-period', flags['start-period']),
    ...interval('StartInterval', 'start-interval', flags['start-interval']),
    ...retries(flags.retries),
  };
}

function interval(key: keyof Healthcheck, flag: string, text: string | undefined): Healthcheck {
  if (!text) return {};
  const nanoseconds = parseDuration(text);
  if (nanoseconds === 0n) return {};
  if (nanoseconds < minimum) {
    throw invalidArgument(`Interval "${flag}" cannot be less than ${formatDuration(minimum)}`);
  }
  return { [key]: Number(nanoseconds) };
}

function retries(text: string | undefined): Healthcheck {
  if (!text) return {};
  if (!/^[-+]?\d+$/.test(text)) throw invalidArgument(`strconv.ParseInt: parsing "${text}": invalid syntax`);
  const count = Number(text);
  if (count < 0) throw invalidArgument(`--retries cannot be negative (${count})`);
  if (count > 0x7fffffff) throw invalidArgument(`strconv.ParseInt: parsing "${text}": value out of range`);
  return count === 0 ? {} : { Retries: count };
}
