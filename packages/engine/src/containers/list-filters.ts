import {
  booleanFilter,
  checkFilterNames,
  type Filters,
  filterValues,
  matchesExactly,
  matchesLabels,
  matchesPattern,
} from '@wharf/api/filters';
import { portKey } from '@wharf/api/port-key';
import { invalidArgument, isErrorCode } from '@wharf/base/error';
import type { ContainerDeps } from '../engine-deps.ts';
import type { ContainerRecord } from './container-record.ts';

type FilterDeps = Pick<ContainerDeps, 'containers' | 'images' | 'networking' | 'health' | 'removals'>;

const accepted = [
  'ancestor',
  'before',
  'expose',
  'exited',
  'health',
  'id',
  'isolation',
  'is-task',
  'label',
  'name',
  'network',
  'publish',
  'since',
  'status',
  'volume',
];
const statuses = ['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead'];
const healths = ['starting', 'healthy', 'unhealthy', 'none'];

export interface ListFilter {
  readonly accepts: (record: ContainerRecord) => boolean;
  /** A filter by state or exit code asks for stopped containers too. */
  readonly showsStopped: boolean;
  /** Ids: only containers created before this one, after that one. */
  readonly before: string | undefined;
  readonly since: string | undefined;
}

/** Checks the filters of `docker ps` once, and makes one predicate of them. */
export function compileListFilters(deps: FilterDeps, filters: Filters): ListFilter {
  checkFilterNames(filters, accepted);
  if (filters.size === 0) return { accepts: () => true, showsStopped: false, before: undefined, since: undefined };
  refuseUnknown(filters, 'status', statuses);
  refuseUnknown(filters, 'health', healths);
  const exitCodes = filterValues(filters, 'exited').map(parseExitCode);
  const ancestors = ancestorIds(deps, filters);
  const networks = networkNames(deps, filters);
  const published = filterValues(filters, 'publish').map(parsePortFilter);
  const exposed = filterValues(filters, 'expose').map(parsePortFilter);
  const isTask = filters.has('is-task') ? booleanFilter(filters, 'is-task', false) : undefined;

  function accepts(record: ContainerRecord): boolean {
    const { id, name, config, state, image } = record;
    return (
      matchesId(filters, id) &&
      // Docker matches with and without the slash.
      (matchesPattern(filters, 'name', `/${name}`) || matchesPattern(filters, 'name', name)) &&
      matchesLabels(filters, 'label', config.Labels) &&
      matchesExactly(filters, 'status', deps.removals.isRemoving(id) ? 'removing' : state.status) &&
      matchesExactly(filters, 'health', deps.health.summary(record).Status) &&
      (exitCodes.length === 0 || (exitCodes.includes(state.exitCode) && state.status === 'exited')) &&
      (ancestors === undefined || ancestors.has(image.id)) &&
      (networks === undefined || Object.keys(record.endpoints).some((network) => networks.has(network))) &&
      (published.length === 0 || publishes(deps, record, published)) &&
      (exposed.length === 0 || exposes(record, exposed)) &&
      holdsVolume(filters, record) &&
      isTask !== true
    );
  }
  return {
    accepts,
    showsStopped: filters.has('status') || exitCodes.length > 0,
    before: lastOf(deps, filters, 'before'),
    since: lastOf(deps, filters, 'since'),
  };
}

function refuseUnknown(filters: Filters, name: string, known: readonly string[]): void {
  for (const value of filterValues(filters, name)) {
    if (!known.includes(value)) throw invalidArgument(`invalid filter '${name}=${value}'`);
  }
}

function parseExitCode(text: string): number {
  if (!/^-?\d+$/.test(text)) throw invalidArgument(`invalid filter 'exited=${text}'`);
  return Number(text);
}

function matchesId(filters: Filters, id: string): boolean {
  const values = filterValues(filters, 'id');
  return values.length === 0 || values.some((value) => id.startsWith(value));
}

function ancestorIds({ images }: FilterDeps, filters: Filters): ReadonlySet<string> | undefined {
  if (!filters.has('ancestor')) return undefined;
  const ids = new Set<string>();
  for (const name of filterValues(filters, 'ancestor')) {
    try {
      const ancestor = images.resolve(name);
      ids.add(ancestor.id);
      for (const image of images.images()) if (isDescendant(image.diffIds, ancestor.diffIds)) ids.add(image.id);
    } catch (error) {
      if (!isErrorCode(error, 'not_found')) throw error;
    }
  }
  return ids;
}

function isDescendant(layers: readonly string[], below: readonly string[]): boolean {
  return below.length > 0 && layers.length > below.length && below.every((layer, index) => layers[index] === layer);
}

function networkNames({ networking }: FilterDeps, filters: Filters): ReadonlySet<string> | undefined {
  if (!filters.has('network')) return undefined;
  const wanted = filterValues(filters, 'network');
  const matching = networking.networks().filter(({ id, name }) => wanted.includes(name) || wanted.includes(id));
  return new Set(matching.map(({ name }) => name));
}

interface PortRange {
  readonly first: number;
  readonly last: number;
  readonly protocol: string;
}

/** `80`, `80/udp`, `8000-8010/tcp` */
function parsePortFilter(text: string): PortRange {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/.exec(text);
  if (!match) throw invalidArgument(`invalid port specification: "${text}"`);
  const first = Number(match[1]);
  return { first, last: Number(match[2] ?? first), protocol: match[3] ?? 'tcp' };
}

function within(ranges: readonly PortRange[], port: number, protocol: string): boolean {
  return ranges.some((range) => range.protocol === protocol && port >= range.first && port <= range.last);
}

function publishes({ networking }: FilterDeps, { id }: ContainerRecord, ranges: readonly PortRange[]): boolean {
  return Object.entries(networking.sandbox(id)?.ports ?? {}).some(([key, bindings]) => {
    const protocol = key.split('/')[1] ?? 'tcp';
    return bindings?.some(({ HostPort }) => within(ranges, Number(HostPort), protocol));
  });
}

function exposes({ config }: ContainerRecord, ranges: readonly PortRange[]): boolean {
  return Object.keys(config.ExposedPorts).some((key) => {
    const [port = '', protocol = ''] = portKey(key).split('/');
    return within(ranges, Number(port), protocol);
  });
}

function holdsVolume(filters: Filters, { mounts }: ContainerRecord): boolean {
  const wanted = filterValues(filters, 'volume');
  if (wanted.length === 0) return true;
  return mounts.some((mount) => [mount.name, mount.source, mount.destination].some((place) => wanted.includes(place)));
}

function lastOf({ containers }: FilterDeps, filters: Filters, name: 'before' | 'since'): string | undefined {
  const value = filterValues(filters, name).at(-1);
  return value === undefined ? undefined : containers.find(value).id;
}
