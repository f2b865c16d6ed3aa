import { existsSync, readFileSync } from 'node:fs';
import type { Ulimit } from '@wharf/api/container';
import { readBoundingSet } from '@wharf/sys/capabilities';
import { type RlimitName, readRlimit, rlimitNumbers } from '@wharf/sys/rlimit';
import type { SeccompSource } from '../seccomp/seccomp.ts';
import { knownCapabilities, resolveCapabilities } from './capabilities.ts';
import { findInitBinary } from './init-binary.ts';
import type { HardLimits } from './rlimits.ts';
import type { RuntimeFeatures, SpecHost } from './spec.ts';
import { readDefaultMaskedPaths } from './system-paths.ts';

export interface SpecHostOptions {
  readonly seccomp: SeccompSource;
  readonly runtime: RuntimeFeatures;
  readonly defaultShmSize: number;
  readonly defaultUlimits: readonly Ulimit[];
  readonly noNewPrivileges: boolean;
  readonly initByDefault: boolean;
  /** `--init-path`; undefined looks for one. */
  readonly initPath: string | undefined;
  /** Where programs are looked for, as in PATH. */
  readonly searchPath: readonly string[];
}

/** What this machine grants to containers; read once at start-up. */
export function readSpecHost(options: SpecHostOptions): SpecHost {
  const bits = readBoundingSet();
  const capabilities = new Set(knownCapabilities.filter((_, bit) => bits.has(bit)));
  let init: string | undefined = options.initPath;
  // The filter of a plain container, compiled before the first of them starts.
  const plain = resolveCapabilities({ privileged: false, add: null, drop: null }, capabilities);
  const seccomp = existsSync('/proc/sys/kernel/seccomp') ? options.seccomp : undefined;
  seccomp?.filter('builtin', plain, options.runtime.seccompBpf);
  return {
    capabilities,
    hardLimits: capabilities.has('CAP_SYS_RESOURCE') ? undefined : readHardLimits(),
    maskedPaths: readDefaultMaskedPaths(),
    seccomp,
    apparmorProfile: findApparmorProfile('/sys/kernel/security/apparmor/profiles'),
    defaultShmSize: options.defaultShmSize,
    defaultUlimits: options.defaultUlimits,
    noNewPrivileges: options.noNewPrivileges,
    initByDefault: options.initByDefault,
    findInit: () => {
      init ??= findInitBinary(options.searchPath);
      return init;
    },
    runtime: options.runtime,
  };
}

/** Docker's own profile where something has loaded it; a kernel without AppArmor has no list. */
function findApparmorProfile(loadedProfiles: string): string | undefined {
  let list: string;
  try {
    list = readFileSync(loadedProfiles, 'utf8');
  } catch {
    return undefined;
  }
  return /^docker-default \(/m.test(list) ? 'docker-default' : 'unconfined';
}

function readHardLimits(): HardLimits {
  const names = Object.keys(rlimitNumbers) as RlimitName[];
  return Object.fromEntries(names.map((name) => [name, readRlimit(name).hard]));
}

/** From the names and versions that `crun --version` and `runc --version` print. */
export function runtimeFeatures(name: 'crun' | 'runc', version: string, kernel: string): RuntimeFeatures {
  const isCrun = name === 'crun';
  const kernelKnows = isAtLeast(kernel, 5, 12);
  return {
    name,
    rootMount: isCrun ? isAtLeast(version, 1, 22) : isAtLeast(version, 1, 0),
    seccompBpf: isCrun,
    keepsRestrictions: !isCrun,
    trustsDevNull: !isCrun && !isAtLeast(version, 1, 4) && !isPatched(version),
    recursiveReadOnly: kernelKnows && (isCrun ? isAtLeast(version, 1, 5) : isAtLeast(version, 1, 1)),
  };
}

/** runc's releases that have the mend of CVE-2025-31133 below 1.4. */
function isPatched(version: string): boolean {
  const [, minor = '', patch = ''] = /^1\.(\d+)\.(\d+)/.exec(version) ?? [];
  return (minor === '2' && Number(patch) >= 8) || (minor === '3' && Number(patch) >= 3);
}

function isAtLeast(version: string, major: number, minor: number): boolean {
  const [foundMajor = 0, foundMinor = 0] = version.split(/[.+-]/).map((part) => Number.parseInt(part, 10) || 0);
  return foundMajor > major || (foundMajor === major && foundMinor >= minor);
}
