import { create, toBinary } from '@bufbuild/protobuf';
import { OpSchema } from '../../pb/llb_pb.ts';
import type { Definition, OpMetadata } from '../../solver/frontend.ts';
import type { SourceFile, SourceRange } from '../source-error.ts';
import { digestOf, type EncodedVertex, type State, type Vertex } from './vertex.ts';

type Locations = Record<string, { sourceIndex: number; ranges: readonly SourceRange[] }[]>;

/** All that `state` needs, inputs before what reads them. `source` is the file that ranges are lines of. */
export function marshal(state: State, source?: SourceFile): Definition {
  if (state === undefined) return { def: [], metadata: {} };
  const def: Uint8Array[] = [];
  const metadata: Record<string, OpMetadata> = {};
  const locations: Locations = {};
  const seen = new Set<string>();
  const visit = (vertex: Vertex): EncodedVertex => {
    const encoded = vertex.encode();
    if (seen.has(encoded.digest)) return encoded;
    for (const input of encoded.inputs) visit(input);
    seen.add(encoded.digest);
    def.push(encoded.bytes);
    metadata[encoded.digest] = encoded.metadata;
    if (encoded.ranges.length > 0) locations[encoded.digest] = [{ sourceIndex: 0, ranges: encoded.ranges }];
    return encoded;
  };
  const { digest } = visit(state.vertex);
  const terminal = { inputs: [{ digest, index: BigInt(state.index) }] };
  const last = toBinary(OpSchema, create(OpSchema, terminal));
  metadata[digestOf(last)] = {};
  return { def: [...def, last], metadata, ...(source ? { source: { infos: [source], locations } } : {}) };
}
