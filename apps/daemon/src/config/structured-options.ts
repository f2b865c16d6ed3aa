import type { Ulimit } from '@wharf/api/container';
import { boolean, type Decoder, integer, list, map, struct, text } from '@wharf/base/decode';
import { invalidArgument, notImplemented } from '@wharf/base/error';
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
  fromFile: map((value, path) => {
    const { runtimeType, options, ...definition } = decodeRuntime(value, path);
    // A type names a containerd shim: there is none here to start one.
    if (runtimeType !== '') throw notImplemented(`${path}.runtimeType`);
    if (options) throw notImplemented(`${path}.options`);
    return definition;
  }),
};

/** `--default-network-opt driver=option=value`; an object of objects in the file. */
export const networkOptionsOption: Option<Readonly<Record<string, Readonly<Record<string, string>>>>> = {
  flag: 'default-network-opt',
  argument: 'mapmap',
  help: 'Options of new networks that do not set them, by driver: driver=option=value',
  fallback: {},
  fromFlag: (value, before = {}) => {
    const [, driver, option, setting] = /^([^=]+)=([^=]+)=(.*)$/s.exec(value) ?? [];
    if (driver === undefined || option === undefined) {
      throw invalidArgument(`invalid value ${JSON.stringify(value)}: should be formatted as driver=option=value`);
    }
    return { ...before, [driver]: { ...before[driver], [option]: setting ?? '' } };
  },
  fromFile: map(map(text)),
};

const decodeRuntime = struct<RuntimeDefinition & { runtimeType: string; options: boolean }>('Runtime', {
  path: text,
  runtimeArgs: (value, path) => list(text)(value, path) ?? [],
  runtimeType: text,
  options: (value) => value !== undefined && value !== null,
});

/** `--feature cdi=true`, or `--feature cdi`; an object in the file. */
export const featuresOption: Option<Readonly<Record<string, boolean>>> = {
  flag: 'feature',
  argument: 'map',
  help: 'Enable a feature of the daemon',
  fallback: {},
  fromFlag: (value, before = {}) => {
    const [name = '', setting = 'true'] = value.split('=', 2);
    if (name === '' || !['true', 'false', '1', '0'].includes(setting)) {
      throw invalidArgument(`invalid feature: ${value}: must be formatted as name=true or name=false`);
    }
    return { ...before, [name]: setting === 'true' || setting === '1' };
  },
  fromFile: map(boolean),
};

/** A JSON object that has no flag. */
export function objectOption(help: string): Option<Readonly<Record<string, unknown>>> {
  return {
    fileOnly: true,
    help,
    fallback: {},
    fromFlag: () => {
      throw invalidArgument('it can be given in the configuration file only');
    },
    fromFile: map((value) => value),
  };
}

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
