import { createHash } from 'node:crypto';
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { OpSchema } from '../../pb/llb_pb.ts';
import type { OpMetadata } from '../../solver/frontend.ts';
import type { SourceRange } from '../source-error.ts';

export type OpInit = Omit<MessageInitShape<typeof OpSchema>, '$typeName' | 'inputs'>;

/** One result of a vertex; undefined stands for the empty file system. */
export interface Output {
  readonly vertex: Vertex;
  readonly index: number;
}

export type State = Output | undefined;

export interface Vertex {
  /** Complete when it is encoded, not before: what a context holds depends on everything that reads it. */
  encode(): EncodedVertex;
}

export interface EncodedVertex {
  readonly digest: string;
  readonly bytes: Uint8Array;
  readonly inputs: readonly Vertex[];
  readonly metadata: OpMetadata;
  readonly ranges: readonly SourceRange[];
}

export interface VertexOptions {
  /** What progress calls it. */
  readonly name?: string;
  readonly description?: Readonly<Record<string, string>>;
  readonly ignoreCache?: boolean;
  readonly progressGroup?: OpMetadata['progressGroup'];
  /** Where in the Dockerfile it comes from. */
  readonly ranges?: readonly SourceRange[];
}

/** Collects the inputs of an op: the same output twice is one input. */
export class Inputs {
  readonly #outputs: Output[] = [];

  /** Its number; -1 for the empty file system. */
  add(state: State): bigint {
    if (state === undefined) return -1n;
    const found = this.#outputs.findIndex(({ vertex, index }) => vertex === state.vertex && index === state.index);
    return BigInt(found >= 0 ? found : this.#outputs.push(state) - 1);
  }

  get size(): number {
    return this.#outputs.length;
  }

  get outputs(): readonly Output[] {
    return this.#outputs;
  }
}

/** `build` makes the op when all is known, and says what it reads. */
export function createVertex(build: (inputs: Inputs) => OpInit, options: VertexOptions = {}): Vertex {
  let encoded: EncodedVertex | undefined;
  return {
    encode() {
      encoded ??= encodeVertex(build, options);
      return encoded;
    },
  };
}

function encodeVertex(build: (inputs: Inputs) => OpInit, options: VertexOptions): EncodedVertex {
  const inputs = new Inputs();
  const op = build(inputs);
  const edges = inputs.outputs.map(({ vertex, index }) => ({
    digest: vertex.encode().digest,
    index: BigInt(index),
  }));
  const bytes = toBinary(OpSchema, create(OpSchema, { ...op, inputs: edges }));
  return {
    digest: digestOf(bytes),
    bytes,
    inputs: inputs.outputs.map(({ vertex }) => vertex),
    metadata: metadataOf(options),
    ranges: options.ranges ?? [],
  };
}

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function metadataOf({ name, description, ignoreCache, progressGroup }: VertexOptions): OpMetadata {
  const texts = { ...description, ...(name === undefined ? {} : { 'llb.customname': name }) };
  return {
    ...(Object.keys(texts).length === 0 ? {} : { description: texts }),
    ...(ignoreCache ? { ignoreCache } : {}),
    ...(progressGroup ? { progressGroup } : {}),
  };
}

export function outputOf(vertex: Vertex, index = 0): Output {
  return { vertex, index };
}
