import { functions as allFunctions, isTrue, type TemplateFunction } from './functions.ts';
import { goPrint } from './go-print.ts';
import { lineOf, TemplateError } from './lexer.ts';
import { type Expression, type Node, type Pipeline, parseTemplate, type Template } from './parser.ts';
import { isRow, openMap, rowType } from './row.ts';

export interface ExecuteOptions {
  readonly functions?: Readonly<Record<string, TemplateFunction>>;
  /** A key that a map lacks is Go's zero value instead of an error. */
  readonly lenient?: boolean;
  /** What a key means that docker's types have though the JSON leaves it out. */
  readonly optional?: ReadonlyMap<string, unknown>;
}

/** Parses with docker's functions. */
export function compileTemplate(source: string): Template {
  return parseTemplate(source, (name) => Object.hasOwn(allFunctions, name));
}

/** The text that the template makes of `data`. Throws TemplateError with Go's message. */
export function executeTemplate(template: Template, data: unknown, options: ExecuteOptions = {}): string {
  const executor = new Executor(template, options, data);
  executor.walk(template.nodes, data);
  return executor.output;
}

class LoopControl {
  readonly kind: 'break' | 'continue';
  constructor(kind: 'break' | 'continue') {
    this.kind = kind;
  }
}

class Executor {
  output = '';
  readonly #template: Template;
  readonly #options: ExecuteOptions;
  readonly #functions: Readonly<Record<string, TemplateFunction>>;
  readonly #variables: [name: string, value: unknown][];
  #depth = 0;

  constructor(template: Template, options: ExecuteOptions, data: unknown) {
    this.#template = template;
    this.#options = options;
    this.#functions = options.functions ?? allFunctions;
    this.#variables = [['$', data]];
  }

  walk(nodes: readonly Node[], dot: unknown): void {
    for (const node of nodes) this.#step(node, dot);
  }

  #step(node: Node, dot: unknown): void {
    switch (node.kind) {
      case 'text':
        this.output += node.text;
        return;
      case 'action': {
        const value = this.#pipeline(node.pipeline, dot);
        if (node.pipeline.declares.length === 0) this.output += goPrint(value);
        return;
      }
      case 'if':
      case 'with': {
        const scope = this.#variables.length;
        const value = this.#pipeline(node.pipeline, dot);
        if (isTrue(value)) this.walk(node.body, node.kind === 'with' ? value : dot);
        else this.walk(node.otherwise, dot);
        this.#variables.length = scope;
        return;
      }
      case 'range':
        this.#range(node, dot);
        return;
      case 'break':
      case 'continue':
        throw new LoopControl(node.kind);
      case 'template': {
        const body = this.#template.named.get(node.name);
        if (!body) throw this.#error(node.at, `{{template "${node.name}"}}`, `template "${node.name}" not defined`);
        if (++this.#depth > 1000) throw this.#error(node.at, '', 'exceeded maximum template depth');
        this.walk(body, node.pipeline ? this.#pipeline(node.pipeline, dot) : undefined);
        this.#depth--;
        return;
      }
    }
  }

  #range(node: Extract<Node, { kind: 'if' | 'with' | 'range' }>, dot: unknown): void {
    const scope = this.#variables.length;
    const { declares, assigns, ...rest } = node.pipeline;
    const value = this.#pipeline({ ...rest, declares: [], assigns: false }, dot);
    const items = rangeItems(value);
    if (!items) {
      const operand = node.pipeline.commands[0]?.[0];
      throw this.#error(operand?.at ?? 0, operand ? textOf(operand) : '', `range can't iterate over ${goPrint(value)}`);
    }
    if (items.length === 0) this.walk(node.otherwise, dot);
    for (const [key, item] of items) {
      const names = declares.length === 2 ? [key, item] : [item];
      declares.forEach((name, at) => {
        if (assigns) this.#assign(name, names[at]);
        else this.#variables.push([name, names[at]]);
      });
      try {
        this.walk(node.body, item);
      } catch (thrown) {
        if (!(thrown instanceof LoopControl)) throw thrown;
        if (thrown.kind === 'break') break;
      } finally {
        this.#variables.length = scope;
      }
    }
    this.#variables.length = scope;
  }

  #pipeline(pipeline: Pipeline, dot: unknown): unknown {
    let value: unknown;
    pipeline.commands.forEach((command, at) => {
      value = this.#command(command, dot, at === 0 ? [] : [value]);
    });
    const [name] = pipeline.declares;
    if (name !== undefined) {
      if (pipeline.assigns) this.#assign(name, value);
      else this.#variables.push([name, value]);
    }
    return value;
  }

  #assign(name: string, value: unknown): void {
    const variable = this.#variables.findLast(([known]) => known === name);
    if (variable) variable[1] = value;
  }

  /** `final` is the value piped into the command. */
  #command([first, ...operands]: readonly Expression[], dot: unknown, final: readonly unknown[]): unknown {
    if (!first) return undefined;
    if (first.kind === 'function') return this.#call(first, operands, dot, final);
    if (first.kind === 'fields' && (operands.length > 0 || final.length > 0)) {
      const args = [...operands.map((operand) => this.#value(operand, dot)), ...final];
      return this.#fields(first, dot, args);
    }
    if (operands.length > 0 || final.length > 0) {
      throw this.#error(first.at, textOf(first), `can't give argument to non-function ${textOf(first)}`);
    }
    return this.#value(first, dot);
  }

  #call(
    node: Extract<Expression, { kind: 'function' }>,
    operands: readonly Expression[],
    dot: unknown,
    final: readonly unknown[],
  ): unknown {
    const { name, at } = node;
    if (name === 'and' || name === 'or') {
      let value: unknown;
      for (const operand of operands) {
        value = this.#value(operand, dot);
        if (isTrue(value) === (name === 'or')) return value;
      }
      return final.length > 0 ? final[0] : value;
    }
    const args = [...operands.map((operand) => this.#value(operand, dot)), ...final];
    const body = this.#functions[name];
    if (!body || args.length < body.length) {
      throw this.#error(at, textOf(node), `wrong number of args for ${name}: want ${body?.length} got ${args.length}`);
    }
    try {
      return body(...args);
    } catch (error) {
      if (error instanceof TemplateError) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      throw this.#error(at, textOf(node), `error calling ${name}: ${reason}`);
    }
  }

  #value(node: Expression, dot: unknown): unknown {
    switch (node.kind) {
      case 'dot':
        return dot;
      case 'nil':
        return null;
      case 'literal':
        return node.value;
      case 'variable':
        return this.#variables.findLast(([name]) => name === node.name)?.[1];
      case 'function':
        return this.#call(node, [], dot, []);
      case 'fields':
        return this.#fields(node, dot, []);
      case 'pipeline': {
        const scope = this.#variables.length;
        const value = this.#pipeline(node.pipeline, dot);
        this.#variables.length = scope;
        return value;
      }
    }
  }

  #fields(node: Extract<Expression, { kind: 'fields' }>, dot: unknown, args: readonly unknown[]): unknown {
    return node.names.reduce(
      (value, name, at) => {
        return this.#field(node, value, name, at === node.names.length - 1 ? args : []);
      },
      this.#value(node.of, dot),
    );
  }

  #field(
    node: Extract<Expression, { kind: 'fields' }>,
    value: unknown,
    name: string,
    args: readonly unknown[],
  ): unknown {
    if (isRow(value)) {
      const field = Object.hasOwn(value.fields, name) ? value.fields[name] : undefined;
      if (!field) throw this.#error(node.at, node.text, `can't evaluate field ${name} in type ${value[rowType]}`);
      if (args.length < field.length) {
        throw this.#error(
          node.at,
          node.text,
          `wrong number of args for ${name}: want ${field.length} got ${args.length}`,
        );
      }
      return field(...args);
    }
    if (value === null || value === undefined) {
      if (this.#options.lenient) return undefined;
      throw this.#error(node.at, node.text, `nil data; no entry for key "${name}"`);
    }
    if (typeof value !== 'object' || Array.isArray(value)) {
      throw this.#error(
        node.at,
        node.text,
        `can't evaluate field ${name} in type ${Array.isArray(value) ? '[]interface {}' : 'interface {}'}`,
      );
    }
    if (Object.hasOwn(value, name)) return Reflect.get(value, name);
    if (openMap in value) return undefined;
    // Docker's types spell some fields unlike their JSON: ID is Id there, APIVersion is ApiVersion.
    const folded = name.toLowerCase();
    const spelled = Object.keys(value).find((key) => key.toLowerCase() === folded);
    if (spelled !== undefined) return Reflect.get(value, spelled);
    if (this.#options.optional?.has(name)) return this.#options.optional.get(name);
    if (this.#options.lenient) return undefined;
    throw this.#error(node.at, node.text, `map has no entry for key "${name}"`);
  }

  #error(at: number, text: string, message: string): TemplateError {
    const { source } = this.#template;
    const line = lineOf(source, at);
    const column = at - (source.lastIndexOf('\n', at - 1) + 1);
    return new TemplateError(`template: :${line}:${column}: executing "" at <${text}>: ${message}`);
  }
}

function rangeItems(value: unknown): [key: unknown, item: unknown][] | undefined {
  if (value === null || value === undefined) return [];
  if (typeof value === 'number') return Array.from({ length: value }, (_, at) => [at, at]);
  if (Array.isArray(value)) return value.map((item, at) => [at, item]);
  if (typeof value !== 'object' || isRow(value)) return undefined;
  return Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
}

function textOf(node: Expression): string {
  switch (node.kind) {
    case 'dot':
      return '.';
    case 'nil':
      return 'nil';
    case 'literal':
    case 'fields':
      return node.text;
    case 'variable':
    case 'function':
      return node.name;
    case 'pipeline':
      return '(...)';
  }
}
