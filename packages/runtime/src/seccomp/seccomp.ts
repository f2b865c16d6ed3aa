import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import type { OciSeccomp } from '@wharf/oci/runtime-spec';
import { hasErrno } from '@wharf/sys/errno';
import { hasLibseccomp } from '@wharf/sys/seccomp-ffi';
import { compileProfile, isCompilable } from './compile.ts';
import { defaultProfile } from './default-profile.ts';
import { parseSeccompProfile, type SeccompProfile } from './profile.ts';
import { resolveProfile, type SeccompTarget } from './resolve.ts';

/** The filter of one container: compiled, or as a profile that the OCI runtime compiles. */
export type SeccompFilter =
  | { readonly kind: 'bpf'; readonly base64: string }
  | { readonly kind: 'profile'; readonly profile: OciSeccomp };

export interface SeccompSource {
  /** `choice` is `builtin` or a profile's JSON. `compiled` asks for BPF where that can be had. */
  filter(choice: string, capabilities: readonly string[], compiled: boolean): SeccompFilter;
}

export interface SeccompOptions {
  /** Compiled filters are kept here, across restarts. */
  readonly cacheDirectory: string;
  /** JSON of the daemon's own default profile (`--seccomp-profile`). */
  readonly profile?: string;
}

/** Distinct profiles and capability sets are few; more than this many means somebody makes them up. */
const maximumRemembered = 64;

export function createSeccompSource({ cacheDirectory, profile }: SeccompOptions): SeccompSource {
  const builtin = profile === undefined ? defaultProfile : parseSeccompProfile(profile);
  const remembered = new Map<string, SeccompFilter>();
  return {
    filter(choice, capabilities, compiled) {
      const key = `${compiled} ${capabilities.join()} ${choice}`;
      let filter = remembered.get(key);
      if (!filter) {
        filter = createFilter(choice === 'builtin' ? builtin : parseSeccompProfile(choice), capabilities, compiled);
        if (remembered.size >= maximumRemembered) remembered.clear();
        remembered.set(key, filter);
      }
      return filter;
    },
  };

  function createFilter(chosen: SeccompProfile, capabilities: readonly string[], compiled: boolean): SeccompFilter {
    const resolved = resolveProfile(chosen, { ...readHost(), capabilities });
    if (!compiled || !isCompilable(resolved) || !hasLibseccomp()) return { kind: 'profile', profile: resolved };
    return { kind: 'bpf', base64: readOrCompile(cacheDirectory, resolved).toString('base64') };
  }
}

function readHost(): Omit<SeccompTarget, 'capabilities'> {
  const [major = 0, minor = 0] = release().split(/[.-]/).map(Number);
  return { architecture: process.arch === 'x64' ? 'amd64' : process.arch, kernel: [major, minor] };
}

const digestLength = 32;

/** Named by the profile and the machine it was compiled on, so a file is never stale; led by the program's SHA-256. */
function readOrCompile(directory: string, profile: OciSeccomp): Buffer {
  const identity = JSON.stringify([process.arch, release(), profile]);
  const path = join(directory, `${sha256(identity).toString('hex')}.bpf`);
  const cached = readCached(path);
  if (cached) return cached;
  const compiled = compileProfile(profile);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, Buffer.concat([sha256(compiled), compiled]), { mode: 0o600 });
  renameSync(temporary, path);
  return compiled;
}

function readCached(path: string): Buffer | undefined {
  try {
    const file = readFileSync(path);
    const program = file.subarray(digestLength);
    return sha256(program).equals(file.subarray(0, digestLength)) ? program : undefined;
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function sha256(data: string | Buffer): Buffer {
  return createHash('sha256').update(data).digest();
}
