import { posix } from 'node:path';
import type { Mount } from '@wharf/api/container';
import { EngineError, invalidArgument } from '@wharf/base/error';
import { validateMount } from './validate/mounts.ts';

/** One entry of HostConfig.Binds. */
export interface BindSpec {
  readonly mount: Mount;
  /** As written: `ro,z`; shown by inspect. */
  readonly mode: string;
}

const kinds: Readonly<Record<string, 'access' | 'label' | 'propagation' | 'copy' | 'consistency'>> = {
  ro: 'access',
  rw: 'access',
  z: 'label',
  Z: 'label',
  private: 'propagation',
  rprivate: 'propagation',
  shared: 'propagation',
  rshared: 'propagation',
  slave: 'propagation',
  rslave: 'propagation',
  nocopy: 'copy',
  consistent: 'consistency',
  cached: 'consistency',
  delegated: 'consistency',
};

/** True where every word is known and none contradicts another of its kind. */
export function isMountMode(mode: string): boolean {
  if (mode === '') return true;
  const found = mode.split(',').map((word) => (Object.hasOwn(kinds, word) ? kinds[word] : undefined));
  return !found.includes(undefined) && new Set(found).size === found.length;
}

/**
 * Parses `source:target[:mode]`, `name:target[:mode]` or a target alone. Throws Docker's
 * `invalid volume specification: 'x'`.
 */
export function parseBind(text: string, volumeDriver: string): BindSpec {
  const [first = '', second, mode = '', ...rest] = text.split(':');
  const invalid = invalidArgument(`invalid volume specification: '${text}'`);
  if (first === '' || rest.length > 0) throw invalid;
  // A volume cannot be given with a mode and no target.
  if (second !== undefined && mode === '' && isMountMode(second)) throw invalid;
  if (!isMountMode(mode)) throw invalidArgument(`invalid mode: ${mode}`);
  const mount = bindMount(second === undefined ? '' : first, second ?? first, mode.split(','), volumeDriver);
  try {
    validateMount(mount, { sourceMustExist: false });
  } catch (error) {
    const { code, message } = EngineError.from(error);
    if (code !== 'invalid_argument') throw error;
    throw invalidArgument(`invalid volume specification: '${text}': ${message}`);
  }
  return { mount, mode };
}

function bindMount(source: string, target: string, words: readonly string[], volumeDriver: string): Mount {
  const isBind = source.startsWith('/');
  const noCopy = words.includes('nocopy');
  const propagation = words.find((word) => kinds[word] === 'propagation');
  const needsVolumeOptions = noCopy || (!isBind && volumeDriver !== '');
  return {
    Type: isBind ? 'bind' : 'volume',
    Source: source,
    Target: target,
    ReadOnly: words.includes('ro'),
    Consistency: '',
    BindOptions: isBind || propagation !== undefined ? { ...plainBind, Propagation: propagation ?? '' } : null,
    VolumeOptions: needsVolumeOptions
      ? {
          NoCopy: noCopy,
          Labels: {},
          DriverConfig: !isBind && volumeDriver !== '' ? { Name: volumeDriver, Options: {} } : null,
          Subpath: '',
        }
      : null,
    ImageOptions: null,
    TmpfsOptions: null,
  };
}

const plainBind = {
  NonRecursive: false,
  // What -v names is made when it is missing; the client of --mount has to ask for it.
  CreateMountpoint: true,
  ReadOnlyNonRecursive: false,
  ReadOnlyForceRecursive: false,
};

export interface VolumesFromSpec {
  readonly container: string;
  readonly readOnly: boolean;
}

/** `container[:ro|rw|z]` of --volumes-from. */
export function parseVolumesFrom(text: string): VolumesFromSpec {
  if (text === '') throw invalidArgument('volumes-from specification cannot be an empty string');
  const colon = text.indexOf(':');
  const container = colon < 0 ? text : text.slice(0, colon);
  const mode = colon < 0 ? '' : text.slice(colon + 1);
  const words = mode === '' ? [] : mode.split(',');
  if (!isMountMode(mode) || words.some((word) => kinds[word] === 'propagation' || kinds[word] === 'copy')) {
    throw invalidArgument(`invalid mode: ${mode}`);
  }
  return { container, readOnly: words.includes('ro') };
}

/** Go's path.Clean for an absolute path: no doubled or trailing slashes, no dots. */
export function cleanTarget(path: string): string {
  const clean = posix.normalize(path);
  return clean.length > 1 ? clean.replace(/\/+$/, '') : clean;
}
