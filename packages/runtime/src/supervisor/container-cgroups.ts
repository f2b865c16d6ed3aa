import { readFileSync } from 'node:fs';
import { type CgroupLayout, type CgroupPaths, parseProcessCgroups, readCgroupLayout } from '@wharf/sys/cgroup';

/** Where containers' cgroups are. Hierarchies may be mounted while the supervisor runs, also by its own daemon. */
export class ContainerCgroups {
  #layout = readCgroupLayout();
  #unmounted: string | undefined;

  get layout(): CgroupLayout {
    return this.#layout;
  }

  /** Undefined for a process that was killed at once; the runtime's own `delete` finds its cgroups then. */
  of(pid: number): CgroupPaths | undefined {
    let text: string;
    try {
      text = readFileSync(`/proc/${pid}/cgroup`, 'utf8');
    } catch {
      return undefined;
    }
    if (this.#unmountedIn(text) !== this.#unmounted) {
      this.#layout = readCgroupLayout();
      this.#unmounted = this.#unmountedIn(text);
    }
    return parseProcessCgroups(text, this.#layout);
  }

  /** Those of this path in every hierarchy. */
  named(path: string): CgroupPaths {
    const { v1, v2 } = this.#layout;
    const inEach = [...v1].map(([controller, mountPoint]) => [controller, mountPoint + path] as const);
    return { v1: new Map(inEach), v2: v2 === undefined ? undefined : v2 + path };
  }

  /** The hierarchies that a process is in and that are nowhere to be found. */
  #unmountedIn(text: string): string {
    const names = text.split('\n').map((line) => line.split(':')[1] ?? '');
    const known = (name: string) => name.split(',').every((controller) => this.#layout.v1.has(controller));
    return names.filter((name) => name !== '' && !known(name)).join(';');
  }
}
