import type { Ulimit } from '@wharf/api/container';
import { type Decoder, integer, list, map, struct, text } from '@wharf/base/decode';
import { invalidArgument } from '@wharf/base/error';
import type { Option } from './option.ts';

export interface AddressPool {
  readonly base: string;
  /** Prefix length of each network cut out of `base`. */
  readonly size: number;
}

export interface RuntimeDefinition {
  readonly path: string;
  readonly runtimeArgs: readonly string[];
}

/** A size as 64m, 1.5GiB or a number of bytes. */
export function bytesOption(help: string, fallback: number): Option<number> {
  const fromFile: Decoder<number> = (value, path) =>
    typeof value === 'number' ? integer(value, path) : parseBytes(text(value, path));
  return { argument: 'bytes', help, fallback, fromFlag: parseBytes, fromFile };
}

function parseBytes(value: string): number {
  const match = /^(\d+(?:\.\d+)?) ?([kmgtp]?)(i?b)?$/i.exec(value);
  if (!match) throw invalidArgument(`invalid size: '${value}'`);
  const power = ' kmgtp'.indexOf(match[2]!.toLowerCase() || ' ');
  return Math.floor(Number(match[1]) * 1024 ** power);
}

/** `--default-address-pool base=10.0.0.0/8,size=24` */
export const addressPoolsOption: Option<readonly AddressPool[]> = {
  flag: 'default-address-pool',
  argument: 'pool-options',
  help: 'Addresses that networks are cut out of',
  fallback: [],
  fromFlag: (value, before = []) => {
    const fields = new Map(value.split(',').map((field) => field.split('=', 2) as [string, string]));
    const size = Number(fields.get('size'));
    const base = fields.get('base');
    if (!base || !Number.isInteger(size)) throw invalidArgument(`invalid pool ${JSON.stringify(value)}`);
    return [...before, { base, size }];
  },
  fromFile: (value, path) =>
    list(struct<AddressPool>('NetworkToSplit', { base: text, size: integer }))(value, path) ?? [],
};

/** `--add-runtime name=path`; the file may give arguments too. */
export const runtimesOption: Option<Readonly<Record<string, RuntimeDefinition>>> = {
  flag: 'add-runtime',
  argument: 'runtime',
  help: 'Register an OCI runtime: name=path',
  fallback: {},
  fromFlag: (value, before = {}) => {
    const equals = value.indexOf('=');
    const name = value.slice(0, equals);
    const path = value.slice(equals + 1);
    if (equals <= 0 || path === '') throw invalidArgument(`invalid runtime argument: ${value}`);
    if (Object.hasOwn(before, name)) throw invalidArgument(`runtime '${name}' was already defined`);
    return { ...before, [name]: { path, runtimeArgs: [] } };
  },
  fromFile: map(
    struct<RuntimeDefinition>('Runtime', {
      path: text,
      runtimeArgs: (value, path) => list(text)(value, path) ?? [],
    }),
  ),
};

/** `--default-ulimit nofile=1024:2048` */
export const ulimitsOption: Option<readonly Ulimit[]> = {
  flag: 'default-ulimit',
  argument: 'ulimit',
  help: 'Default ulimits of containers',
  fallback: [],
  fromFlag: (value, before = []) => {
    const match = /^([a-z]+)=(-?\d+)(?::(-?\d+))?$/.exec(value);
    if (!match) throw invalidArgument(`invalid ulimit argument: ${value}`);
    const soft = Number(match[2]);
    return [...before, { Name: match[1]!, Soft: soft, Hard: match[3] === undefined ? soft : Number(match[3]) }];
  },
  fromFile: (value, path) =>
    Object.values(map(struct<Ulimit>('Ulimit', { Name: text, Soft: integer, Hard: integer }))(value, path)),
};
