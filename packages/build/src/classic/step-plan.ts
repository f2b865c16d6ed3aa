import { createHash } from 'node:crypto';
import { shortId } from '@wharf/base/id';
import type { DockerfileStep } from '../solver/frontend.ts';
import type { Edge, Vertex } from '../solver/graph.ts';

/** One step as the classic builder counts them. */
export interface PlannedStep {
  /** The instruction. */
  readonly code: string;
  /** What has to be done for it, by digest, in this order; none where it only changes the config. */
  readonly vertices: readonly string[];
  /** How many of the base image's ONBUILD instructions go with it. */
  readonly triggers: number;
  /** What its stage is called afterwards: '' while it is empty, undefined before the first stage. */
  readonly id: string | undefined;
  readonly isFrom: boolean;
}

/** The steps of a Dockerfile with what the graph has for each. */
export function planSteps(steps: readonly DockerfileStep[], edge: Edge | undefined): readonly PlannedStep[] {
  const graph = verticesOf(edge);
  const planned: PlannedStep[] = [];
  const taken = new Set<string>();
  for (const { code, isTrigger, vertex, changed } of steps) {
    // The base image of a stage is there already.
    const isFrom = /^from\s/i.test(code) && !isTrigger;
    const isOwn = changed && !isFrom && vertex !== undefined && graph.has(vertex) && !taken.has(vertex);
    const own = isOwn ? [vertex] : [];
    for (const digest of own) taken.add(digest);
    const last = planned.at(-1);
    if (isTrigger && last) {
      planned[planned.length - 1] = {
        ...last,
        vertices: [...last.vertices, ...own],
        triggers: last.triggers + 1,
        id: idOf({ code, isFrom: false }, graph.get(vertex ?? ''), last.id),
      };
      continue;
    }
    const id = idOf({ code, isFrom }, graph.get(vertex ?? ''), last?.id);
    planned.push({ code, vertices: own, triggers: 0, id, isFrom });
  }
  return planned;
}

/** A base image has its own. There is no image after each step here, but its name tells steps apart as that would. */
function idOf(
  { code, isFrom }: Pick<PlannedStep, 'code' | 'isFrom'>,
  vertex: Vertex | undefined,
  before: string | undefined,
): string | undefined {
  if (isFrom && !vertex) return '';
  if (!isFrom && before === undefined) return undefined;
  const { op } = vertex?.op ?? {};
  const identifier = isFrom && op?.case === 'source' ? op.value.identifier : '';
  const image = /^docker-image:.*@(sha256:[0-9a-f]+)$/.exec(identifier)?.[1];
  if (image !== undefined) return shortId(image);
  const text = JSON.stringify([isFrom ? '' : before, isFrom ? '' : code, vertex?.digest]);
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}

function verticesOf(edge: Edge | undefined): ReadonlyMap<string, Vertex> {
  const found = new Map<string, Vertex>();
  const visit = (vertex: Vertex): void => {
    if (found.has(vertex.digest)) return;
    found.set(vertex.digest, vertex);
    for (const input of vertex.inputs) visit(input.vertex);
  };
  if (edge) visit(edge.vertex);
  return found;
}
