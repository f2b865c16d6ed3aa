import type { StepViews } from '@wharf/build/solver/step-views';
import type { Snapshotter } from '@wharf/store/snapshots/snapshotter';

/** Files of layers for a step, as snapshots that go with it. */
export function snapshotViews(snapshots: Snapshotter): StepViews {
  const nameOf = (stepId: string, index: number) => `${stepId}.${index}`;
  return {
    async open(stepId, index, tree, { writable }) {
      const name = nameOf(stepId, index);
      if (tree.kind === 'directory') {
        if (!writable) return tree.path;
        await snapshots.prepare(name, [], { volatile: true, base: tree.path });
      } else if (writable) await snapshots.prepare(name, tree.layers, { volatile: true });
      else snapshots.view(name, tree.layers);
      return snapshots.mount(name);
    },
    async close(stepId, count) {
      for (let index = 0; index < count; index++) await snapshots.remove(nameOf(stepId, index));
    },
  };
}
