import { invalidArgument } from '@wharf/base/error';
import { replacePattern, trimPrefix, trimSuffix } from './shell-pattern.ts';

export interface ShellLexOptions {
  /** `\` or a backtick. */
  readonly escape?: string;
  /** Quotes stay in the result. */
  readonly rawQuotes?: boolean;
  /** Escapes stay in the result. */
  readonly rawEscapes?: boolean;
  /** Quotes mean nothing: they are letters as any other. */
  readonly plainQuotes?: boolean;
  /** A variable that is not set stays as it was written. */
  readonly keepUnset?: boolean;
}

export type Variables = ReadonlyMap<string, string>;

export interface Expansion {
  readonly word: string;
  /** The same, split where unquoted blanks were. */
  readonly words: readonly string[];
  readonly matched: ReadonlySet<string>;
  readonly unmatched: ReadonlySet<string>;
}

/** Expands variables and removes quotes and escapes, as a shell does before it splits into words. */
export function expand(text: string, variables: Variables, options: ShellLexOptions = {}): Expansion {
  return new ShellWord(text, variables, options).run();
}

export function expandWord(text: string, variables: Variables, options: ShellLexOptions = {}): string {
  return expand(text, variables, options).word;
}

export function expandWords(text: string, variables: Variables, options: ShellLexOptions = {}): readonly string[] {
  return expand(text, variables, options).words;
}

const blank = /\s/;
/** What the variables of one word may come to: no program takes a longer one. */
const mostLetters = 1 << 20;
const deepest = 100;
const specialParameter = /[@*#?\-$!0]/;

/** Words in the making: a quoted empty one is a word as well. */
class Words {
  readonly done: string[] = [];
  #word = '';
  #inWord = false;

  /** One letter that may end a word. */
  add(letter: string): void {
    if (blank.test(letter)) this.end();
    else this.addRaw(letter);
  }

  /** Text that stays together. */
  addRaw(text: string): void {
    this.#word += text;
    this.#inWord = true;
  }

  /** Text from a variable outside of quotes: its blanks separate words. */
  addText(text: string): void {
    for (const letter of text) this.add(letter);
  }

  end(): void {
    if (this.#inWord) this.done.push(this.#word);
    this.#word = '';
    this.#inWord = false;
  }
}

class ShellWord {
  readonly #text: string[];
  readonly #variables: Variables;
  readonly #options: ShellLexOptions;
  readonly #escape: string;
  readonly #matched = new Set<string>();
  readonly #unmatched = new Set<string>();
  #at = 0;
  #expanded = 0;
  #depth = 0;

  constructor(text: string, variables: Variables, options: ShellLexOptions) {
    this.#text = [...text];
    this.#variables = variables;
    this.#options = options;
    this.#escape = options.escape ?? '\\';
  }

  run(): Expansion {
    const { word, words } = this.#until(undefined, this.#options.rawEscapes ?? false);
    return { word, words, matched: this.#matched, unmatched: this.#unmatched };
  }

  /** Up to `stop`, which is consumed, or to the end. */
  #until(stop: string | undefined, rawEscapes: boolean): { word: string; words: string[] } {
    let out = '';
    const words = new Words();
    while (this.#at < this.#text.length) {
      const letter = this.#text[this.#at]!;
      if (letter === stop) {
        this.#at++;
        words.end();
        return { word: out, words: words.done };
      }
      if (!this.#options.plainQuotes && (letter === "'" || letter === '"')) {
        const quoted = letter === "'" ? this.#singleQuoted() : this.#doubleQuoted();
        out += quoted;
        words.addRaw(quoted);
      } else if (letter === '$') {
        const value = this.#dollar();
        out += value;
        words.addText(value);
      } else {
        this.#at++;
        if (letter === this.#escape) {
          if (rawEscapes) {
            out += letter;
            words.addRaw(letter);
          }
          if (this.#at >= this.#text.length) break;
          const escaped = this.#text[this.#at++]!;
          out += escaped;
          words.addRaw(escaped);
        } else {
          out += letter;
          words.add(letter);
        }
      }
    }
    if (stop !== undefined)
      throw invalidArgument(`unexpected end of statement while looking for matching ${stop === '}' ? 'brace' : stop}`);
    words.end();
    return { word: out, words: words.done };
  }

  #singleQuoted(): string {
    const end = this.#text.indexOf("'", this.#at + 1);
    if (end < 0) throw invalidArgument('unexpected end of statement while looking for matching single-quote');
    const inner = this.#text.slice(this.#at + 1, end).join('');
    this.#at = end + 1;
    return this.#options.rawQuotes ? `'${inner}'` : inner;
  }

  #doubleQuoted(): string {
    const quote = this.#options.rawQuotes ? '"' : '';
    let out = quote;
    this.#at++;
    for (;;) {
      if (this.#at >= this.#text.length) {
        throw invalidArgument('unexpected end of statement while looking for matching double-quote');
      }
      const letter = this.#text[this.#at]!;
      if (letter === '"') {
        this.#at++;
        return out + quote;
      }
      if (letter === '$') {
        out += this.#dollar();
        continue;
      }
      this.#at++;
      if (letter !== this.#escape) {
        out += letter;
        continue;
      }
      const next = this.#text[this.#at];
      if (next === undefined) continue;
      this.#at++;
      // Inside double quotes an escape means something only before these.
      const isSpecial = next === '"' || next === '$' || next === this.#escape;
      out += (this.#options.rawEscapes || !isSpecial ? letter : '') + next;
    }
  }

  #dollar(): string {
    this.#at++;
    if (this.#text[this.#at] !== '{') {
      const name = this.#name();
      if (name === '') return '$';
      const value = this.#get(name);
      return value === undefined ? (this.#options.keepUnset ? `$${name}` : '') : value;
    }
    this.#at++;
    const first = this.#text[this.#at];
    if (first === undefined) throw invalidArgument("syntax error: missing '}'");
    if (first === '{' || first === '}' || first === ':') throw invalidArgument('syntax error: bad substitution');
    const name = this.#name();
    return this.#modified(name);
  }

  /** What follows the name within braces. */
  #modified(name: string): string {
    const modifier = this.#text[this.#at++];
    switch (modifier) {
      case '}': {
        const value = this.#get(name);
        return value === undefined ? (this.#options.keepUnset ? `\${${name}}` : '') : value;
      }
      case ':': {
        const kind = this.#text[this.#at++];
        if (kind !== '+' && kind !== '-' && kind !== '?') {
          throw invalidArgument(`unsupported modifier (:${kind ?? ''}) in substitution`);
        }
        return this.#conditional(name, kind, true);
      }
      case '+':
      case '-':
      case '?':
        return this.#conditional(name, modifier, false);
      case '#':
      case '%':
        return this.#trimmed(name, modifier);
      case '/':
        return this.#replaced(name);
      case undefined:
        throw invalidArgument("syntax error: missing '}'");
      default:
        throw invalidArgument(`unsupported modifier (${modifier}) in substitution`);
    }
  }

  #conditional(name: string, kind: '+' | '-' | '?', emptyIsUnset: boolean): string {
    const word = this.#operand(false);
    const value = this.#get(name, kind !== '?');
    if (value === undefined && this.#options.keepUnset) return `\${${name}${emptyIsUnset ? ':' : ''}${kind}${word}}`;
    const missing = value === undefined || (emptyIsUnset && value === '');
    if (kind === '-') return missing ? word : value;
    if (kind === '+') return missing ? '' : word;
    if (!missing) return value;
    throw invalidArgument(`${name}: ${word || `is not allowed to be ${value === undefined ? 'unset' : 'empty'}`}`);
  }

  #trimmed(name: string, kind: '#' | '%'): string {
    let pattern = this.#operand(true);
    const value = this.#get(name);
    if (value === undefined && this.#options.keepUnset) return `\${${name}${kind}${pattern}}`;
    const longest = pattern.startsWith(kind);
    if (longest) pattern = pattern.slice(1);
    return kind === '#' ? trimPrefix(value ?? '', pattern, longest) : trimSuffix(value ?? '', pattern, longest);
  }

  #replaced(name: string): string {
    const all = this.#text[this.#at] === '/';
    if (all) this.#at++;
    let pattern: string;
    try {
      pattern = this.#until('/', true).word;
    } catch (thrown) {
      if (this.#at >= this.#text.length) throw invalidArgument(`syntax error: missing '/' in $\{}`);
      throw thrown;
    }
    const replacement = this.#operand(true);
    const value = this.#get(name);
    if (value === undefined && this.#options.keepUnset) return `\${${name}/${pattern}/${replacement}}`;
    return replacePattern(value ?? '', pattern, replacement, all);
  }

  #operand(rawEscapes: boolean): string {
    if (++this.#depth > deepest) throw invalidArgument('variables are nested too deep');
    try {
      const { word } = this.#until('}', rawEscapes);
      this.#depth--;
      return word;
    } catch (thrown) {
      if (this.#at >= this.#text.length) throw invalidArgument("syntax error: missing '}'");
      throw thrown;
    }
  }

  /** Letters, digits and underscores; a number; or one special parameter. */
  #name(): string {
    const first = this.#text[this.#at];
    if (first === undefined) return '';
    const isNumber = /\p{Nd}/u.test(first);
    if (!isNumber && specialParameter.test(first)) {
      this.#at++;
      return first;
    }
    const allowed = isNumber ? /\p{Nd}/u : /[\p{L}\p{Nd}_]/u;
    let name = '';
    while (this.#at < this.#text.length && allowed.test(this.#text[this.#at]!)) name += this.#text[this.#at++];
    return name;
  }

  #get(name: string, tolerated = false): string | undefined {
    const value = this.#variables.get(name);
    if (value !== undefined) this.#matched.add(name);
    else if (!tolerated) this.#unmatched.add(name);
    // `ENV A=$A$A` forty times is more than any memory.
    this.#expanded += value?.length ?? 0;
    if (this.#expanded > mostLetters) throw invalidArgument(`the values of variables are too long: ${name}`);
    return value;
  }
}
