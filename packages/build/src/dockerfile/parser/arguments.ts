import { invalidArgument } from '@wharf/base/error';

/** How an instruction reads its arguments. */
export interface Arguments {
  readonly args: readonly string[];
  /** They were a JSON array. */
  readonly json: boolean;
  /** `ENV name value`: deprecated. */
  readonly withoutEquals?: boolean;
}

type ArgumentParser = (rest: string, escapeToken: string) => Arguments;

/** Of instructions that are not here the whole rest is one argument. */
export const argumentParsers: Readonly<Record<string, ArgumentParser>> = {
  add: jsonOrWords,
  arg: (rest, escapeToken) => ({ args: quotedWords(rest, escapeToken), json: false }),
  cmd: jsonOrText,
  copy: jsonOrWords,
  entrypoint: jsonOrText,
  env: (rest, escapeToken) => pairs('ENV', rest, escapeToken),
  expose: words,
  from: words,
  healthcheck,
  label: (rest, escapeToken) => pairs('LABEL', rest, escapeToken),
  maintainer: text,
  onbuild: text,
  run: jsonOrText,
  shell: jsonOrText,
  stopsignal: text,
  user: text,
  volume: jsonOrWords,
  workdir: text,
};

export const instructionNames = Object.keys(argumentParsers);

function text(rest: string): Arguments {
  return { args: rest === '' ? [] : [rest], json: false };
}

function words(rest: string): Arguments {
  return { args: rest === '' ? [] : rest.split(/[\t\v\f\r ]+/), json: false };
}

function jsonOrText(rest: string): Arguments {
  return jsonArray(rest) ?? text(rest);
}

function jsonOrWords(rest: string): Arguments {
  return jsonArray(rest) ?? words(rest);
}

/** undefined where it is no JSON array at all: then it is shell text that begins with a bracket. */
function jsonArray(rest: string): Arguments | undefined {
  const trimmed = rest.trimStart();
  if (!trimmed.startsWith('[')) return undefined;
  const array = decodeFirstArray(trimmed);
  if (array === undefined) return undefined;
  if (!array.every((item) => typeof item === 'string')) {
    throw invalidArgument('when using JSON array syntax, arrays must be comprised of strings only');
  }
  return { args: array, json: true };
}

/** As Go's decoder: what follows the array's end is not looked at. */
function decodeFirstArray(source: string): unknown[] | undefined {
  for (let end = source.indexOf(']'); end >= 0; end = source.indexOf(']', end + 1)) {
    try {
      return JSON.parse(source.slice(0, end + 1)) as unknown[];
    } catch {
      // The bracket was inside a string, or there is more to come.
    }
  }
  return undefined;
}

function healthcheck(rest: string): Arguments {
  const match = /^(\S+)(?:\s+([\s\S]*))?$/.exec(rest);
  if (!match) return { args: [], json: false };
  const command = jsonOrText(match[2] ?? '');
  return { args: [match[1]!, ...command.args], json: command.json };
}

/** Alternating names and values. */
function pairs(instruction: string, rest: string, escapeToken: string): Arguments {
  const found = quotedWords(rest, escapeToken);
  if (found.length === 0) return { args: [], json: false };
  if (!found[0]!.includes('=')) {
    const match = /^(.*?)[\t\v\f\r ]+([\s\S]*)$/.exec(rest);
    if (!match) throw invalidArgument(`${instruction} must have two arguments`);
    return { args: [match[1]!, match[2]!], json: false, withoutEquals: true };
  }
  const args = found.flatMap((word) => {
    const equals = word.indexOf('=');
    if (equals < 0) {
      throw invalidArgument(`Syntax error - can't find = in ${JSON.stringify(word)}. Must be of the form: name=value`);
    }
    return [word.slice(0, equals), word.slice(equals + 1)];
  });
  return { args, json: false };
}

/** Splits at blanks that are neither quoted nor escaped; quotes and escapes stay, expansion takes them away. */
export function quotedWords(rest: string, escapeToken: string): string[] {
  const found: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let at = 0; at < rest.length; at++) {
    let letter = rest[at]!;
    if (quote === '' && /\s/.test(letter)) {
      if (word !== undefined) found.push(word);
      word = undefined;
      continue;
    }
    if (letter === escapeToken && quote !== "'") {
      // At the very end it escapes nothing.
      if (at + 1 === rest.length) break;
      word = (word ?? '') + letter;
      letter = rest[++at]!;
    } else if (letter === quote) quote = '';
    else if (quote === '' && (letter === "'" || letter === '"')) quote = letter;
    word = (word ?? '') + letter;
  }
  if (word !== undefined) found.push(word);
  return found;
}
