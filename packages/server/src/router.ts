import type { Context } from './context.ts';

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE' | 'OPTIONS';

type Name<Text extends string> = Text extends `${infer Base}...` ? Base : Text;
type ParameterNames<Pattern extends string> = Pattern extends `${string}{${infer Parameter}}${infer Rest}`
  ? Name<Parameter> | ParameterNames<Rest>
  : never;
export type Parameters<Pattern extends string> = { readonly [K in ParameterNames<Pattern>]: string };

export type Handler<P> = (context: Context<P>) => void | Promise<void>;

export interface Route {
  readonly method: Method;
  readonly pattern: string;
  readonly handler: Handler<Readonly<Record<string, string>>>;
}

/**
 * `{id}` stands for one segment of the path, `{name...}` for one or more: names of images have slashes. Where two
 * routes fit, the first one given wins.
 */
export function route<Pattern extends string>(
  method: Method,
  pattern: Pattern,
  handler: Handler<Parameters<Pattern>>,
): Route {
  return { method, pattern, handler: handler as unknown as Route['handler'] };
}

interface CompiledRoute {
  readonly handler: Route['handler'];
  readonly segments: readonly Segment[];
  /** Index of the segment that takes several. */
  readonly greedy: number;
}

type Segment = { readonly literal: string } | { readonly parameter: string };

export interface RouteMatch {
  readonly handler: Route['handler'];
  readonly parameters: Readonly<Record<string, string>>;
}

/** Routes grouped by method and first segment, so that a request looks at a handful of them. */
export class Router {
  readonly #groups = new Map<string, CompiledRoute[]>();

  constructor(routes: readonly Route[]) {
    for (const { method, pattern, handler } of routes) {
      const segments = pattern.slice(1).split('/').map(compileSegment);
      const greedy = pattern
        .slice(1)
        .split('/')
        .findIndex((segment) => segment.endsWith('...}'));
      const first = segments[0]!;
      if (!('literal' in first)) throw new Error(`Cannot route ${pattern}: it starts with a parameter`);
      const key = `${method} ${first.literal}`;
      const group = this.#groups.get(key) ?? [];
      this.#groups.set(key, group);
      group.push({ handler, segments, greedy });
    }
  }

  /** `path` is decoded and has no version prefix. */
  match(method: string, path: string): RouteMatch | undefined {
    const parts = path.slice(1).split('/');
    const group = this.#groups.get(`${method} ${parts[0]}`);
    if (!group) return undefined;
    for (const candidate of group) {
      const parameters = matchSegments(candidate, parts);
      if (parameters) return { handler: candidate.handler, parameters };
    }
    return undefined;
  }
}

function compileSegment(segment: string): Segment {
  const parameter = /^\{(\w+)(?:\.\.\.)?\}$/.exec(segment)?.[1];
  return parameter === undefined ? { literal: segment } : { parameter };
}

function matchSegments({ segments, greedy }: CompiledRoute, parts: string[]): Record<string, string> | undefined {
  const extra = parts.length - segments.length;
  if (greedy < 0 ? extra !== 0 : extra < 0) return undefined;
  const parameters: Record<string, string> = {};
  for (let index = 0; index < segments.length; index++) {
    const segment = segments[index]!;
    const from = greedy >= 0 && index > greedy ? index + extra : index;
    const value = index === greedy ? parts.slice(from, from + extra + 1).join('/') : parts[from]!;
    if ('literal' in segment) {
      if (segment.literal !== value) return undefined;
    } else if (value === '') return undefined;
    else parameters[segment.parameter] = value;
  }
  return parameters;
}
