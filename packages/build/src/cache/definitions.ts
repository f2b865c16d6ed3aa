import { createHash } from 'node:crypto';
import { together } from '@wharf/base/together';
import type { Digest } from '@wharf/oci/digest';
import { planFileOp } from '../ops/file-op.ts';
import type { ExecOp, FileOp } from '../pb/llb_pb.ts';
import type { Edge, Vertex } from '../solver/graph.ts';
import type { Result } from '../solver/result.ts';
import { type Selection, whole } from '../trees/select.ts';

/** A result by how it is made: the same on every machine, and known before anything of it runs. */
export interface Definition {
  readonly name: Digest;
  /** Layers that the result has. */
  readonly depth: number;
  /** Some of it is to be made anew, whatever a cache has: only its name is of use. */
  readonly anew: boolean;
}

type Read = Pick<Definition, 'name' | 'anew'>;

export interface DefinitionSources {
  /** Of a vertex that is a source, or of none. */
  source(edge: Edge | undefined): Promise<Result>;
  /** What stands for parts of a directory that is read. */
  contents(directory: Result, selections: readonly Selection[], input: Edge): Promise<readonly string[]>;
}

/** Names results by their operations, the base images below them and the files that they read of the client's. */
export class Definitions {
  readonly #sources: DefinitionSources;
  readonly #found = new Map<Digest, Promise<Definition | undefined>>();

  constructor(sources: DefinitionSources) {
    this.#sources = sources;
  }

  /** undefined for what has no such name, and all that is made of it. */
  of(edge: Edge | undefined): Promise<Definition | undefined> {
    if (!edge) return Promise.resolve({ name: nameOf('scratch'), depth: 0, anew: false });
    const { vertex } = edge;
    let found = this.#found.get(vertex.digest);
    if (!found) {
      // What is wrong with it is said where it is computed.
      found = this.#define(vertex).catch(() => undefined);
      this.#found.set(vertex.digest, found);
    }
    return found;
  }

  async #define(vertex: Vertex): Promise<Definition | undefined> {
    const { op } = vertex.op;
    switch (op.case) {
      case 'source': {
        const result = await this.#sources.source({ vertex, index: 0 });
        if (result.kind !== 'layers') return undefined;
        return { name: nameOf('layers', ...result.layers), depth: result.layers.length, anew: false };
      }
      case 'file':
        return await this.#file(vertex, op.value);
      case 'exec':
        return await this.#exec(vertex, op.value);
      case 'merge': {
        const inputs = await together(vertex.inputs.map((input) => this.of(input)));
        const whole = inputs.filter((input) => input !== undefined);
        if (whole.length < inputs.length) return undefined;
        const depth = whole.reduce((sum, input) => sum + input.depth, 0);
        const anew = whole.some((input) => input.anew);
        return { name: nameOf(vertex.opDigest, ...whole.map(({ name }) => name)), depth, anew };
      }
      default:
        return undefined;
    }
  }

  async #file(vertex: Vertex, op: FileOp): Promise<Definition | undefined> {
    const plan = planFileOp(op, vertex.inputs.length);
    const reads = plan.sources.map((input, index) =>
      this.#read(input < 0 ? undefined : vertex.inputs[input], plan.selections[index]!),
    );
    return this.#above(vertex, await this.of(plan.base < 0 ? undefined : vertex.inputs[plan.base]), reads);
  }

  async #exec(vertex: Vertex, { mounts }: ExecOp): Promise<Definition | undefined> {
    const root = mounts.find(({ dest }) => dest === '/');
    const others = mounts.filter((mount) => mount !== root && mount.input >= 0n);
    const reads = others.map(({ input, selector }) => this.#read(vertex.inputs[Number(input)], [whole(selector)]));
    const base = root && root.input >= 0n ? vertex.inputs[Number(root.input)] : undefined;
    return this.#above(vertex, await this.of(base), reads);
  }

  async #above(
    { opDigest, metadata }: Vertex,
    base: Definition | undefined,
    reads: readonly Promise<Read | undefined>[],
  ): Promise<Definition | undefined> {
    const all = await together(reads);
    const found = all.filter((read) => read !== undefined);
    if (!base || found.length < all.length) return undefined;
    const anew = base.anew || metadata.ignoreCache === true || found.some((read) => read.anew);
    return { name: nameOf(opDigest, base.name, ...found.map(({ name }) => name)), depth: base.depth + 1, anew };
  }

  /** The content of a directory's files; of everything else how it is made. */
  async #read(edge: Edge | undefined, selections: readonly Selection[]): Promise<Read | undefined> {
    if (edge?.vertex.op.op.case !== 'source') return await this.of(edge);
    const result = await this.#sources.source(edge);
    if (result.kind === 'layers') return await this.of(edge);
    return { name: nameOf(...(await this.#sources.contents(result, selections, edge))), anew: false };
  }
}

function nameOf(...parts: readonly string[]): Digest {
  return `sha256:${createHash('sha256')
    .update(JSON.stringify(['definition', ...parts]))
    .digest('hex')}`;
}
