import { fromBinary } from '@bufbuild/protobuf';
import { OpSchema } from '../../pb/llb_pb.ts';
import type { Definition } from '../../solver/frontend.ts';
import { digestOf, type State, type Vertex } from './vertex.ts';

/** The result of a definition that came from elsewhere, as part of our own graph; its bytes stay as they are. */
export function decodedInput({ def, metadata }: Definition): State {
  const terminal = def.at(-1);
  if (terminal === undefined) return undefined;
  const vertices = new Map<string, Vertex>();
  for (const bytes of def) {
    const digest = digestOf(bytes);
    const inputs = fromBinary(OpSchema, bytes).inputs.map((input) => vertices.get(input.digest)!);
    vertices.set(digest, { encode: () => ({ digest, bytes, inputs, metadata: metadata[digest] ?? {}, ranges: [] }) });
  }
  const edge = fromBinary(OpSchema, terminal).inputs[0];
  const vertex = edge === undefined ? undefined : vertices.get(edge.digest);
  return vertex === undefined ? undefined : { vertex, index: Number(edge!.index) };
}
