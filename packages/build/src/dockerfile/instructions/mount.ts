import { invalidArgument } from '@wharf/base/error';
import { parseSize } from '@wharf/base/size';
import { didYouMean } from '../suggest.ts';

const mountTypes = ['bind', 'cache', 'tmpfs', 'secret', 'ssh'] as const;
const sharingModes = ['shared', 'private', 'locked'] as const;

/** Of `RUN --mount`. */
export interface RunMount {
  readonly type: (typeof mountTypes)[number];
  readonly from: string;
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
  readonly size: number;
  readonly id: string;
  readonly sharing: (typeof sharingModes)[number] | undefined;
  readonly required: boolean;
  readonly mode: number | undefined;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  /** The secret's value in this variable. */
  readonly env: string | undefined;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };
type Draft = Mutable<RunMount> & { readOnlyGiven: boolean };

const keys = [
  'type',
  'from',
  'source',
  'target',
  'readonly',
  'id',
  'sharing',
  'required',
  'size',
  'mode',
  'uid',
  'gid',
  'src',
  'dst',
  'destination',
  'ro',
  'rw',
  'readwrite',
  'env',
];

/** The stage or image that a mount comes from; known before anything is expanded, since it decides the graph. */
export function mountSource(text: string): string {
  for (const field of splitFields(text)) {
    const [key, value] = splitField(field);
    if (key !== 'from' || value === undefined) continue;
    if (/\$./.test(value)) {
      throw invalidArgument(`'from' doesn't support variable expansion, define alias stage instead`);
    }
    return value;
  }
  return '';
}

/** Reads `type=cache,target=/x,...`; `expandValue` replaces variables. */
export function parseMount(text: string, expandValue: (value: string) => string): RunMount {
  const draft: Draft = {
    type: 'bind',
    from: '',
    source: '',
    target: '',
    readOnly: false,
    readOnlyGiven: false,
    size: 0,
    id: '',
    sharing: undefined,
    required: false,
    mode: undefined,
    uid: undefined,
    gid: undefined,
    env: undefined,
  };
  for (const field of splitFields(text)) setField(draft, field, expandValue);
  if (!draft.readOnlyGiven) draft.readOnly = draft.type !== 'cache' && draft.type !== 'tmpfs';
  validate(draft);
  const { readOnlyGiven: _, ...mount } = draft;
  return mount;
}

/** Comma separated, as encoding/csv: a field that begins with a quote ends with one. */
function splitFields(text: string): string[] {
  const fields: string[] = [];
  const field = /\s*"((?:[^"]|"")*)"(?:,|$)|([^,]*)(?:,|$)/y;
  for (let at = 0; at <= text.length; at = field.lastIndex) {
    field.lastIndex = at;
    const match = field.exec(text);
    if (!match) throw invalidArgument(`failed to parse csv mounts: bare " in non-quoted field`);
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    if (!match[0].endsWith(',')) break;
  }
  return fields;
}

function splitField(field: string): [key: string, value: string | undefined] {
  const equals = field.indexOf('=');
  if (equals < 0) return [field.toLowerCase(), undefined];
  return [field.slice(0, equals).toLowerCase(), field.slice(equals + 1)];
}

function setField(mount: Draft, field: string, expandValue: (value: string) => string): void {
  const [key, raw] = splitField(field);
  if (raw === undefined) {
    setSwitch(mount, key, field);
    return;
  }
  const value = expandValue(raw);
  switch (key) {
    case 'type':
      mount.type = oneOf(mountTypes, value, `unsupported mount type "${value}"`);
      break;
    case 'from':
      mount.from = value;
      break;
    case 'source':
    case 'src':
      mount.source = value;
      break;
    case 'target':
    case 'dst':
    case 'destination':
      mount.target = value;
      break;
    case 'readonly':
    case 'ro':
      mount.readOnly = parseBoolean(key, value);
      mount.readOnlyGiven = true;
      break;
    case 'readwrite':
    case 'rw':
      mount.readOnly = !parseBoolean(key, value);
      mount.readOnlyGiven = true;
      break;
    case 'required':
      onlyFor(mount, key, ['secret', 'ssh']);
      mount.required = parseBoolean(key, value);
      break;
    case 'size':
      onlyFor(mount, key, ['tmpfs']);
      mount.size = parseTmpfsSize(value);
      break;
    case 'id':
      mount.id = value;
      break;
    case 'sharing':
      mount.sharing = oneOf(sharingModes, value, `unsupported sharing value "${value}"`);
      break;
    case 'mode':
      mount.mode = parseNumber(key, value, /^[0-7]+$/, 8);
      break;
    case 'uid':
      mount.uid = parseNumber(key, value, /^\d+$/, 10);
      break;
    case 'gid':
      mount.gid = parseNumber(key, value, /^\d+$/, 10);
      break;
    case 'env':
      mount.env = value;
      break;
    default:
      throw invalidArgument(`unexpected key '${key}' in '${field}'${didYouMean(key, keys)}`);
  }
}

/** A key without a value. */
function setSwitch(mount: Draft, key: string, field: string): void {
  switch (key) {
    case 'readonly':
    case 'ro':
    case 'readwrite':
    case 'rw':
      mount.readOnly = key === 'readonly' || key === 'ro';
      mount.readOnlyGiven = true;
      break;
    case 'required':
      onlyFor(mount, key, ['secret', 'ssh']);
      mount.required = true;
      break;
    default:
      throw invalidArgument(`invalid field '${field}' must be a key=value pair`);
  }
}

function oneOf<T extends string>(options: readonly T[], value: string, message: string): T {
  const found = options.find((option) => option === value.toLowerCase());
  if (found === undefined) throw invalidArgument(message + didYouMean(value, options));
  return found;
}

function onlyFor(mount: Draft, key: string, types: readonly RunMount['type'][]): void {
  if (!types.includes(mount.type)) throw invalidArgument(`unexpected key '${key}' for mount type '${mount.type}'`);
}

function parseBoolean(key: string, value: string): boolean {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(value)) return true;
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(value)) return false;
  throw invalidArgument(`invalid value for ${key}: ${value}`);
}

function parseNumber(key: string, value: string, pattern: RegExp, radix: number): number {
  const number = pattern.test(value) ? Number.parseInt(value, radix) : Number.NaN;
  if (!(number <= 0xffffffff)) throw invalidArgument(`invalid value ${value} for ${key}`);
  return number;
}

function parseTmpfsSize(value: string): number {
  try {
    return parseSize(value);
  } catch {
    throw invalidArgument(`invalid value for size: ${value}`);
  }
}

function validate(mount: Draft): void {
  if (mount.type === 'bind' || mount.type === 'tmpfs') {
    for (const key of ['mode', 'uid', 'gid'] as const) {
      if (mount[key] !== undefined) throw invalidArgument(`${key} not allowed for "${mount.type}" type mounts`);
    }
  }
  if (mount.env !== undefined && mount.type !== 'secret') {
    throw invalidArgument(`unexpected key 'env' for mount type '${mount.type}'`);
  }
  if (mount.type === 'secret') {
    if (mount.from !== '') throw invalidArgument('secret mount should not have a from');
    if (mount.sharing !== undefined) throw invalidArgument('secret mount should not define sharing');
    if (mount.source === '' && mount.target === '' && mount.id === '') {
      throw invalidArgument('invalid secret mount. one of source, target required');
    }
    if (mount.source !== '' && mount.id !== '') throw invalidArgument("both source and id can't be set");
  }
  if (mount.sharing !== undefined && mount.type !== 'cache') {
    throw invalidArgument(`invalid cache sharing set for ${mount.type} mount`);
  }
}
