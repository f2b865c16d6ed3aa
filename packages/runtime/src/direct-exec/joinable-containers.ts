import { readFileSync, readlinkSync } from 'node:fs';
import type { IdMapping } from '@wharf/base/id-mapping';
import type { OciSpec } from '@wharf/oci/runtime-spec';
import { hasMachine } from '@wharf/sys/program/syscall-program';
import { stateDirectory } from '../oci-runtime.ts';
import type { ManagedProcess } from '../supervisor/managed-process.ts';
import { allowsJoining } from './allows-joining.ts';
import { type PlainContainer, plainContainer } from './plain-container.ts';

/** Distinct filters are few: they differ by profile and capabilities. */
const filtersKept = 16;

export interface Joinable {
  /** Its compiled seccomp filter, if it has one. */
  readonly filter: Buffer | undefined;
  /** Whom its users are on the host, where it has a user namespace. */
  readonly idMapping: IdMapping | undefined;
}

/** What has to be known of a container to join it, learnt from what its runtime goes by itself. */
export class JoinableContainers {
  /** False from the moment on at which this host turns out to lack what it takes. */
  supported = hasMachine();
  readonly lastCapability = Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'utf8'));
  /** What children inherit. */
  readonly oomScoreAdj = Number(readFileSync('/proc/self/oom_score_adj', 'utf8'));
  readonly #userNamespace = readlinkSync('/proc/self/ns/user');
  readonly #plain = new WeakMap<ManagedProcess, PlainContainer | 'unknown'>();
  #filters: { readonly bytes: Buffer; readonly allowsJoining: boolean }[] = [];

  /** Undefined if the container cannot be joined. */
  find(container: ManagedProcess): Joinable | undefined {
    const { runtime, pid } = container;
    // A runtime with arguments of its own is wanted for what it does by them.
    if (!this.supported || !runtime || runtime.args?.length || pid === 0) return undefined;
    const plain = this.#plainOf(container);
    if (plain === 'unknown') return undefined;
    const { idMapping } = plain;
    if ((readlinkSync(`/proc/${pid}/ns/user`) === this.#userNamespace) !== (idMapping === undefined)) return undefined;
    if (!plain.hasFilter) return { filter: undefined, idMapping };
    // crun keeps the filter that it gave to the container; runc compiles the profile anew each time.
    if (runtime.name !== 'crun') return undefined;
    const bytes = readFileSync(`${stateDirectory(runtime, container.id)}/seccomp.bpf`);
    return bytes.length > 0 && this.#allowsJoining(bytes) ? { filter: bytes, idMapping } : undefined;
  }

  #plainOf(container: ManagedProcess): PlainContainer | 'unknown' {
    let plain = this.#plain.get(container);
    if (plain === undefined) {
      const spec = JSON.parse(readFileSync(`${container.bundle}/config.json`, 'utf8')) as Partial<OciSpec>;
      plain = plainContainer(spec) ?? 'unknown';
      this.#plain.set(container, plain);
    }
    return plain;
  }

  #allowsJoining(bytes: Buffer): boolean {
    let known = this.#filters.find((other) => other.bytes.equals(bytes));
    if (!known) {
      known = { bytes, allowsJoining: allowsJoining(bytes) };
      this.#filters = [known, ...this.#filters].slice(0, filtersKept);
    }
    return known.allowsJoining;
  }
}
