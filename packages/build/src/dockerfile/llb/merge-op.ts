import { createVertex, type Inputs, type Output, outputOf, type State, type VertexOptions } from './vertex.ts';

/** Layers on top of each other; empty ones are nothing. */
export function mergeOp(states: readonly State[], options: VertexOptions): State {
  const layers = states.filter((state): state is Output => state !== undefined);
  if (layers.length <= 1) return layers[0];
  const build = (inputs: Inputs) => ({
    op: { case: 'merge' as const, value: { inputs: layers.map((layer) => ({ input: inputs.add(layer) })) } },
  });
  return outputOf(createVertex(build, options));
}
