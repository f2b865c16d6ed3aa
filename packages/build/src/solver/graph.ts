import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { invalidArgument } from '@wharf/base/error';
import type { Digest } from '@wharf/oci/digest';
import { digestOf } from '@wharf/oci/digest-of';
import { type Op, OpSchema } from '../pb/llb_pb.ts';
import type { Definition, OpMetadata } from './frontend.ts';

/** One operation of a build graph. */
export interface Vertex {
  readonly digest: Digest;
  readonly op: Op;
  /** The operation itself, whatever it works on. */
  readonly opDigest: Digest;
  readonly inputs: readonly Edge[];
  readonly metadata: OpMetadata;
  /** What people see. */
  readonly name: string;
}

/** One result of a vertex. */
export interface Edge {
  readonly vertex: Vertex;
  readonly index: number;
}

const mostVertices = 100_000;

/** The result that a definition describes; undefined for the empty file system. Throws invalid_argument. */
export function decodeDefinition({ def, metadata }: Definition): Edge | undefined {
  if (def.length === 0) return undefined;
  if (def.length > mostVertices) throw invalidArgument('invalid definition: too many operations');
  const ops = new Map<Digest, Op>();
  let last: Op | undefined;
  for (const bytes of def) {
    last = decodeOp(bytes);
    ops.set(digestOf(bytes), last);
  }
  const made = new Map<Digest, Vertex>();
  const open = new Set<Digest>();
  const vertexOf = (digest: Digest): Vertex => {
    const known = made.get(digest);
    if (known) return known;
    const op = ops.get(digest);
    if (!op) throw invalidArgument(`invalid definition: missing input ${digest}`);
    if (open.has(digest)) throw invalidArgument('invalid definition: it goes in a circle');
    open.add(digest);
    const inputs = op.inputs.map((input) => ({ vertex: vertexOf(input.digest), index: Number(input.index) }));
    open.delete(digest);
    const opMetadata = metadata[digest] ?? {};
    const opDigest = digestOf(toBinary(OpSchema, create(OpSchema, { ...op, inputs: [] })));
    const vertex = { digest, op, opDigest, inputs, metadata: opMetadata, name: nameOf(op, opMetadata) };
    made.set(digest, vertex);
    return vertex;
  };
  const [result] = last?.inputs ?? [];
  return result && { vertex: vertexOf(result.digest), index: Number(result.index) };
}

function decodeOp(bytes: Uint8Array): Op {
  try {
    return fromBinary(OpSchema, bytes);
  } catch (cause) {
    throw invalidArgument('invalid definition: an operation cannot be decoded', { cause });
  }
}

function nameOf({ op }: Op, { description }: OpMetadata): string {
  const custom = description?.['llb.customname'];
  if (custom) return custom;
  switch (op.case) {
    case 'source':
      return op.value.identifier;
    case 'exec':
      return (op.value.meta?.args ?? []).join(' ');
    default:
      return op.case ?? 'result';
  }
}
