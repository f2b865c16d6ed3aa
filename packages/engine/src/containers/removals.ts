/** Which containers are on their way out, and which `--rm` ones must survive their next exit. */
export class Removals {
  readonly #removing = new Set<string>();
  readonly #kept = new Map<string, number>();

  /** False if the container is being removed already. */
  begin(id: string): boolean {
    if (this.#removing.has(id)) return false;
    this.#removing.add(id);
    return true;
  }

  end(id: string): void {
    this.#removing.delete(id);
  }

  isRemoving(id: string): boolean {
    return this.#removing.has(id);
  }

  /** Holds off automatic removal, as restart needs, until released. */
  keep(id: string): { release(): void } {
    this.#kept.set(id, (this.#kept.get(id) ?? 0) + 1);
    return {
      release: () => {
        const left = (this.#kept.get(id) ?? 1) - 1;
        if (left === 0) this.#kept.delete(id);
        else this.#kept.set(id, left);
      },
    };
  }

  isKept(id: string): boolean {
    return this.#kept.has(id);
  }
}
