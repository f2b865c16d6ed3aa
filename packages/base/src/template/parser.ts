import { fail, lexTemplate, type Token, type TokenKind } from './lexer.ts';

/** An operand or function call; `text` and `at` serve error messages. */
export type Expression =
  | { readonly kind: 'dot'; readonly at: number }
  | { readonly kind: 'nil'; readonly at: number }
  | { readonly kind: 'literal'; readonly value: string | number | boolean; readonly text: string; readonly at: number }
  | { readonly kind: 'variable'; readonly name: string; readonly at: number }
  | { readonly kind: 'function'; readonly name: string; readonly at: number }
  | {
      readonly kind: 'fields';
      readonly of: Expression;
      readonly names: readonly string[];
      readonly text: string;
      readonly at: number;
    }
  | { readonly kind: 'pipeline'; readonly pipeline: Pipeline; readonly at: number };

export interface Pipeline {
  /** Variables that the value is given to. */
  readonly declares: readonly string[];
  readonly assigns: boolean;
  readonly commands: readonly (readonly Expression[])[];
}

export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly pipeline: Pipeline }
  | {
      readonly kind: 'if' | 'with' | 'range';
      readonly pipeline: Pipeline;
      readonly body: readonly Node[];
      readonly otherwise: readonly Node[];
    }
  | { readonly kind: 'break' | 'continue' }
  | { readonly kind: 'template'; readonly name: string; readonly pipeline: Pipeline | undefined; readonly at: number };

export interface Template {
  readonly source: string;
  readonly nodes: readonly Node[];
  readonly named: ReadonlyMap<string, readonly Node[]>;
}

type Ending = 'end' | 'else' | 'eof';

/** Reads a Go template: `functions` are the names it may call. Throws TemplateError. */
export function parseTemplate(source: string, functions: (name: string) => boolean): Template {
  return new Parser(source, functions).parse();
}

class Parser {
  readonly #source: string;
  readonly #known: (name: string) => boolean;
  readonly #tokens: readonly Token[];
  readonly #named = new Map<string, readonly Node[]>();
  #at = 0;
  #variables: string[] = ['$'];

  constructor(source: string, known: (name: string) => boolean) {
    this.#source = source;
    this.#known = known;
    this.#tokens = lexTemplate(source);
  }

  parse(): Template {
    const [nodes] = this.#block('eof');
    return { source: this.#source, nodes, named: this.#named };
  }

  /** Nodes up to `{{end}}`, `{{else ...}}` or the template's end; the opening of `else` is left for the caller. */
  #block(until: 'eof' | 'end'): [readonly Node[], Ending] {
    const nodes: Node[] = [];
    const scope = this.#variables.length;
    for (;;) {
      const token = this.#next();
      if (token.kind === 'end') {
        if (until === 'eof') return [nodes, 'eof'];
        throw this.#fail('unexpected EOF', token);
      }
      if (token.kind === 'text') {
        nodes.push({ kind: 'text', text: token.text });
        continue;
      }
      this.#skipSpace();
      const word = this.#peek();
      const keyword = word.kind === 'word' ? word.text : '';
      if (keyword === 'end' || keyword === 'else') {
        if (until === 'eof') throw this.#fail(`unexpected {{${keyword}}}`, word);
        this.#next();
        this.#variables.length = scope;
        if (keyword === 'end') this.#close();
        return [nodes, keyword];
      }
      nodes.push(...this.#action(keyword));
    }
  }

  #action(keyword: string): Node[] {
    switch (keyword) {
      case 'if':
      case 'with':
      case 'range':
        this.#next();
        return [this.#control(keyword)];
      case 'break':
      case 'continue':
        this.#next();
        this.#close();
        return [{ kind: keyword }];
      case 'define': {
        this.#next();
        const name = this.#name('define');
        this.#close();
        this.#named.set(name, this.#block('end')[0]);
        return [];
      }
      case 'template':
      case 'block': {
        const at = this.#next().at;
        const name = this.#name(keyword);
        this.#skipSpace();
        const pipeline = this.#peek().kind === 'close' ? undefined : this.#pipeline();
        this.#close();
        if (keyword === 'block') this.#named.set(name, this.#block('end')[0]);
        return [{ kind: 'template', name, pipeline, at }];
      }
      default: {
        const pipeline = this.#pipeline();
        this.#close();
        return [{ kind: 'action', pipeline }];
      }
    }
  }

  #control(kind: 'if' | 'with' | 'range'): Node {
    const scope = this.#variables.length;
    const pipeline = this.#pipeline(kind);
    this.#close();
    const [body, ending] = this.#block('end');
    let otherwise: readonly Node[] = [];
    if (ending === 'else') {
      this.#skipSpace();
      const chained = this.#peek();
      if (chained.kind === 'word' && (chained.text === 'if' || chained.text === 'with') && kind !== 'range') {
        this.#next();
        otherwise = [this.#control(chained.text)];
      } else {
        this.#close();
        otherwise = this.#block('end')[0];
      }
    }
    this.#variables.length = scope;
    return { kind, pipeline, body, otherwise };
  }

  #pipeline(context = 'command', closing: TokenKind = 'close'): Pipeline {
    const { declares, assigns } = this.#declarations(context);
    const commands: Expression[][] = [];
    for (;;) {
      commands.push(this.#command());
      this.#skipSpace();
      const token = this.#peek();
      if (token.kind === 'pipe') {
        this.#next();
        continue;
      }
      if (token.kind !== closing) throw this.#fail(`unexpected ${shown(token)} in ${context}`, token);
      return { declares, assigns, commands };
    }
  }

  #declarations(context: string): { declares: string[]; assigns: boolean } {
    const start = this.#at;
    const names: string[] = [];
    for (;;) {
      this.#skipSpace();
      const variable = this.#peek();
      if (variable.kind !== 'variable') break;
      this.#next();
      this.#skipSpace();
      const operator = this.#next();
      names.push(variable.text);
      if (operator.kind === 'comma' && context === 'range' && names.length < 2) continue;
      if (operator.kind === 'declare' || operator.kind === 'assign') {
        if (operator.kind === 'declare') this.#variables.push(...names);
        return { declares: names, assigns: operator.kind === 'assign' };
      }
      break;
    }
    this.#at = start;
    return { declares: [], assigns: false };
  }

  #command(): Expression[] {
    const operands: Expression[] = [];
    for (;;) {
      this.#skipSpace();
      const operand = this.#operand();
      if (!operand) break;
      operands.push(operand);
    }
    if (operands.length === 0) {
      const token = this.#peek();
      throw this.#fail(
        token.kind === 'close' ? 'missing value for command' : `unexpected ${shown(token)} in operand`,
        token,
      );
    }
    return operands;
  }

  #operand(): Expression | undefined {
    const first = this.#term();
    if (!first) return undefined;
    const names: string[] = [];
    const { at } = this.#tokens[this.#at - 1] ?? { at: 0 };
    let last = this.#peek();
    while (last.kind === 'field') {
      names.push(this.#next().text.slice(1));
      last = this.#peek();
    }
    if (names.length === 0) return first;
    if (first.kind === 'fields') {
      const all = [...first.names, ...names];
      return { kind: 'fields', of: first.of, names: all, text: `${first.text}.${names.join('.')}`, at: first.at };
    }
    if (first.kind === 'literal' || first.kind === 'nil') throw this.#fail('unexpected . after term', last);
    const start = first.kind === 'pipeline' ? at : first.at;
    return { kind: 'fields', of: first, names, text: this.#source.slice(first.at, last.at).trim(), at: start };
  }

  #term(): Expression | undefined {
    const token = this.#peek();
    const { at, text } = token;
    switch (token.kind) {
      case 'field':
        this.#next();
        return { kind: 'fields', of: { kind: 'dot', at }, names: [text.slice(1)], text, at };
      case 'dot':
        this.#next();
        return { kind: 'dot', at };
      case 'variable':
        this.#next();
        if (!this.#variables.includes(text)) throw this.#fail(`undefined variable "${text}"`, token);
        return { kind: 'variable', name: text, at };
      case 'string':
        this.#next();
        return { kind: 'literal', value: unquote(text), text, at };
      case 'char':
        this.#next();
        return { kind: 'literal', value: unquote(`"${text.slice(1, -1)}"`).codePointAt(0) ?? 0, text, at };
      case 'number':
        this.#next();
        return { kind: 'literal', value: Number(text.replaceAll('_', '')), text, at };
      case 'left': {
        this.#next();
        const pipeline = this.#pipeline('parenthesized pipeline', 'right');
        this.#next();
        return { kind: 'pipeline', pipeline, at };
      }
      case 'word':
        this.#next();
        if (text === 'true' || text === 'false') return { kind: 'literal', value: text === 'true', text, at };
        if (text === 'nil') return { kind: 'nil', at };
        if (!this.#known(text)) throw this.#fail(`function "${text}" not defined`, token);
        return { kind: 'function', name: text, at };
      default:
        return undefined;
    }
  }

  #name(context: string): string {
    this.#skipSpace();
    const token = this.#next();
    if (token.kind !== 'string') throw this.#fail(`unexpected ${shown(token)} in ${context} clause`, token);
    return unquote(token.text);
  }

  #close(): void {
    this.#skipSpace();
    const token = this.#next();
    if (token.kind !== 'close') throw this.#fail(`unexpected ${shown(token)} in command`, token);
  }

  #peek(): Token {
    return this.#tokens[this.#at] ?? { kind: 'end', text: '', at: this.#source.length };
  }

  #next(): Token {
    const token = this.#peek();
    this.#at++;
    return token;
  }

  #skipSpace(): void {
    while (this.#peek().kind === 'space') this.#at++;
  }

  #fail(message: string, { at }: Token): Error {
    return fail(this.#source, at, message);
  }
}

function shown({ kind, text }: Token): string {
  return kind === 'end' ? 'EOF' : `<${text}>`;
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', a: '\u0007', b: '\b', f: '\f', v: '\v' };

function unquote(literal: string): string {
  if (literal.startsWith('`')) return literal.slice(1, -1);
  return literal
    .slice(1, -1)
    .replace(/\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.)/g, (_, code: string) => {
      if (/^[xuU]./.test(code)) return String.fromCodePoint(Number.parseInt(code.slice(1), 16));
      if (/^[0-7]{3}$/.test(code)) return String.fromCodePoint(Number.parseInt(code, 8));
      return escapes[code] ?? code;
    });
}
