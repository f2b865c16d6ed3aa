/** Says what is wrong with a text that `JSON.parse` refused, in the words of Go's encoding/json. */
export function explainJson(text: string): string {
  const scanner = new Scanner(text);
  try {
    scanner.value('looking for beginning of value');
  } catch (error) {
    if (error instanceof JsonSyntax) return `invalid JSON: ${error.message}`;
    if (error instanceof RangeError) return 'invalid JSON: exceeded max depth';
    throw error;
  }
  return 'unexpected content after JSON';
}

class JsonSyntax extends Error {}

class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(context: string): void {
    this.#space();
    const first = this.#text[this.#at];
    if (first === '{') this.#object();
    else if (first === '[') this.#array();
    else if (first === '"') this.#string();
    else if (first === 't') this.#literal('true');
    else if (first === 'f') this.#literal('false');
    else if (first === 'n') this.#literal('null');
    else if (first !== undefined && /[-0-9]/.test(first)) this.#number();
    else throw this.#unexpected(context);
  }

  #object(): void {
    this.#at++;
    this.#space();
    if (this.#accept('}')) return;
    for (;;) {
      this.#space();
      if (this.#text[this.#at] !== '"') throw this.#unexpected('looking for beginning of object key string');
      this.#string();
      this.#space();
      if (!this.#accept(':')) throw this.#unexpected('after object key');
      this.value('looking for beginning of value');
      this.#space();
      if (this.#accept('}')) return;
      if (!this.#accept(',')) throw this.#unexpected('after object key:value pair');
    }
  }

  #array(): void {
    this.#at++;
    this.#space();
    if (this.#accept(']')) return;
    for (;;) {
      this.value('looking for beginning of value');
      this.#space();
      if (this.#accept(']')) return;
      if (!this.#accept(',')) throw this.#unexpected('after array element');
    }
  }

  #string(): void {
    this.#at++;
    for (;;) {
      const character = this.#text[this.#at];
      if (character === undefined || character < ' ') throw this.#unexpected('in string literal');
      this.#at++;
      if (character === '"') return;
      if (character === '\\') this.#escape();
    }
  }

  #escape(): void {
    const letter = this.#text[this.#at];
    if (letter === undefined || !'"\\/bfnrtu'.includes(letter)) throw this.#unexpected('in string escape code');
    this.#at++;
    if (letter !== 'u') return;
    for (let digit = 0; digit < 4; digit++) {
      if (!/[0-9a-fA-F]/.test(this.#text[this.#at] ?? '')) {
        throw this.#unexpected('in \\u hexadecimal character escape');
      }
      this.#at++;
    }
  }

  #literal(word: string): void {
    for (const expected of word) {
      if (this.#text[this.#at] !== expected) throw this.#unexpected(`in literal ${word} (expecting '${expected}')`);
      this.#at++;
    }
  }

  #number(): void {
    if (this.#accept('-') && !this.#isDigit()) throw this.#unexpected('in numeric literal');
    if (!this.#accept('0')) this.#digits();
    if (this.#accept('.')) {
      if (!this.#isDigit()) throw this.#unexpected('after decimal point in numeric literal');
      this.#digits();
    }
    if (this.#accept('e') || this.#accept('E')) {
      if (!this.#accept('+')) this.#accept('-');
      if (!this.#isDigit()) throw this.#unexpected('in exponent of numeric literal');
      this.#digits();
    }
  }

  #digits(): void {
    while (this.#isDigit()) this.#at++;
  }

  #isDigit(): boolean {
    return /[0-9]/.test(this.#text[this.#at] ?? '');
  }

  #accept(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #space(): void {
    while (' \t\r\n'.includes(this.#text[this.#at] ?? 'x')) this.#at++;
  }

  #unexpected(context: string): JsonSyntax {
    const found = this.#text[this.#at];
    if (found === undefined) return new JsonSyntax('unexpected EOF');
    return new JsonSyntax(`invalid character ${quoteCharacter(found)} ${context}`);
  }
}

function quoteCharacter(character: string): string {
  if (character === "'") return "'\\''";
  if (character === '"') return `'"'`;
  return `'${JSON.stringify(character).slice(1, -1)}'`;
}
