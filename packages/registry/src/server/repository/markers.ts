import type { ObjectStore } from '../storage/object-store.ts';

/** How long a collector may work on before it renews its marker; one that was killed blocks nobody for longer. */
const lifetime = 60_000;
/** Nothing is removed in the last seconds of a marker, since clocks differ. */
const margin = 15_000;
const pollInterval = 50;

/**
 * Keeps collectors and writers of several servers over one store apart, without locks: a writer first makes its
 * reference visible and then looks for a marker; a collector first writes its marker and then looks for references.
 * At least one of them sees the other. The writer waits, and then checks that what it refers to is still there.
 */
export class CollectionMarkers {
  readonly #store: ObjectStore;

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  /** Resolves when no collector works under this marker. */
  async awaitAbsence(key: string): Promise<void> {
    for (;;) {
      const marker = await this.#store.read(key);
      if (!marker || Number(marker.toString()) < Date.now()) return;
      await new Promise((resolve) => setTimeout(resolve, pollInterval));
    }
  }

  /** Undefined while another collector has it. */
  async open(key: string): Promise<CollectionMarker | undefined> {
    const held = await this.#store.read(key);
    if (held && Number(held.toString()) >= Date.now()) return undefined;
    const marker = new CollectionMarker(this.#store, key);
    await marker.renew();
    return marker;
  }
}

export class CollectionMarker implements AsyncDisposable {
  readonly #store: ObjectStore;
  readonly #key: string;
  #expires = 0;

  constructor(store: ObjectStore, key: string) {
    this.#store = store;
    this.#key = key;
  }

  async renew(): Promise<void> {
    const expires = Date.now() + lifetime;
    await this.#store.write(this.#key, String(expires), { durable: false });
    this.#expires = expires;
  }

  /** Called before each removal. */
  async hold(): Promise<void> {
    if (Date.now() < this.#expires - margin - lifetime / 4) return;
    if (Date.now() > this.#expires - margin) throw new Error('the collector was stopped for too long: it starts anew');
    await this.renew();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store.remove(this.#key);
  }
}
