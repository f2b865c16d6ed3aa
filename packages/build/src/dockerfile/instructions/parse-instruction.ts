import { invalidArgument } from '@wharf/base/error';
import { instructionNames } from '../parser/arguments.ts';
import { heredocText, parseHeredocWord } from '../parser/heredoc.ts';
import { splitInstruction } from '../parser/instruction-line.ts';
import type { Node } from '../parser/parser.ts';
import { locating } from '../source-error.ts';
import { closest } from '../suggest.ts';
import { parseFlags } from './flags.ts';
import type {
  ArgDeclaration,
  CommandLine,
  CopySources,
  FromInstruction,
  InlineFile,
  Instruction,
  KeyValue,
} from './instruction.ts';
import { mountSource } from './mount.ts';
import { parseHealthcheck } from './parse-healthcheck.ts';

const noFlags = {} as const;
const copyFlags = {
  chown: 'string',
  chmod: 'string',
  link: 'boolean',
  exclude: 'strings',
} as const;
const addFlags = { ...copyFlags, 'keep-git-dir': 'boolean', checksum: 'string', unpack: 'boolean' } as const;
const copyOnlyFlags = { ...copyFlags, from: 'string', parents: 'boolean' } as const;
const runFlags = { mount: 'strings', network: 'string', security: 'string', device: 'strings' } as const;

/** Gives an instruction its meaning. What is wrong points at its lines. */
export function parseInstruction(node: Node): Instruction {
  return locating(node.ranges, () => parse(node));
}

function parse(node: Node): Instruction {
  const base = { keyword: node.keyword, code: node.original.trim(), ranges: node.ranges };
  const { args } = node;
  switch (node.name) {
    case 'add': {
      const target = sourcesAndDestination('ADD', node);
      const flags = parseFlags(node.flags, addFlags);
      return {
        ...base,
        ...target,
        kind: 'add',
        ...copyOptions(flags),
        keepGitDir: flags['keep-git-dir'],
        checksum: flags.checksum ?? '',
        unpack: flags.unpack,
      };
    }
    case 'copy': {
      const target = sourcesAndDestination('COPY', node);
      const flags = parseFlags(node.flags, copyOnlyFlags);
      return {
        ...base,
        ...target,
        kind: 'copy',
        ...copyOptions(flags),
        from: flags.from ?? '',
        parents: flags.parents ?? false,
      };
    }
    case 'arg':
      parseFlags(node.flags, noFlags);
      return { ...base, kind: 'arg', args: declarations(node), comments: node.comments };
    case 'env':
    case 'label':
      parseFlags(node.flags, noFlags);
      return { ...base, kind: node.name, pairs: pairs(node), withoutEquals: node.withoutEquals ?? false };
    case 'cmd':
    case 'entrypoint':
      parseFlags(node.flags, noFlags);
      return { ...base, kind: node.name, ...commandLine(node) };
    case 'expose':
      parseFlags(node.flags, noFlags);
      return { ...base, kind: 'expose', ports: [...atLeastOne('EXPOSE', args)].sort() };
    case 'from':
      return parseFrom(node, base);
    case 'healthcheck':
      return { ...base, kind: 'healthcheck', healthcheck: parseHealthcheck(node) };
    case 'maintainer':
      parseFlags(node.flags, noFlags);
      return { ...base, kind: 'maintainer', maintainer: exactlyOne('MAINTAINER', args) };
    case 'onbuild':
      parseFlags(node.flags, noFlags);
      return { ...base, kind: 'onbuild', trigger: parseTrigger(node) };
    case 'run':
      return parseRun(node, base);
    case 'shell':
      parseFlags(node.flags, noFlags);
      return { ...base, kind: 'shell', command: parseShell(node) };
    case 'stopsignal':
      parseFlags(node.flags, noFlags);
      return { ...base, kind: 'stopsignal', signal: exactlyOne('STOPSIGNAL', args) };
    case 'user':
      parseFlags(node.flags, noFlags);
      return { ...base, kind: 'user', user: exactlyOne('USER', args) };
    case 'volume':
      parseFlags(node.flags, noFlags);
      return { ...base, kind: 'volume', paths: parseVolumes(args) };
    case 'workdir':
      parseFlags(node.flags, noFlags);
      return { ...base, kind: 'workdir', path: exactlyOne('WORKDIR', args) };
    default:
      throw invalidArgument(`unknown instruction: ${node.keyword}${suggestInstruction(node.keyword)}`);
  }
}

type Base = Pick<Instruction, 'keyword' | 'code' | 'ranges'>;

function suggestInstruction(keyword: string): string {
  const found = closest(keyword.toLowerCase(), instructionNames);
  if (found === undefined) return '';
  return ` (did you mean ${keyword === keyword.toLowerCase() ? found : found.toUpperCase()}?)`;
}

function copyOptions(flags: {
  chown: string | undefined;
  chmod: string | undefined;
  link: boolean | undefined;
  exclude: readonly string[];
}) {
  return {
    chown: flags.chown ?? '',
    chmod: flags.chmod ?? '',
    link: flags.link ?? false,
    exclude: flags.exclude,
  };
}

function sourcesAndDestination(instruction: string, { args, heredocs }: Node): CopySources {
  const destination = args.at(-1);
  if (args.length < 2 || destination === undefined) {
    throw invalidArgument(
      `${instruction} requires at least two arguments, but only one was provided. Destination could not be determined`,
    );
  }
  if (parseHeredocWord(destination)) throw invalidArgument(`${instruction} cannot accept a heredoc as a destination`);
  const sources: string[] = [];
  const inline: InlineFile[] = [];
  for (const source of args.slice(0, -1)) {
    const name = heredocs.length > 0 ? parseHeredocWord(source)?.name : undefined;
    const heredoc = heredocs.find((candidate) => candidate.name === name);
    if (heredoc) inline.push({ path: heredoc.name, content: heredocText(heredoc), expand: heredoc.expand });
    else sources.push(source);
  }
  return { sources, inline, destination };
}

function declarations({ args, comments }: Node): ArgDeclaration[] {
  return atLeastOne('ARG', args).map((arg) => {
    const equals = arg.indexOf('=');
    if (equals === 0) throw invalidArgument('ARG names can not be blank');
    const key = equals < 0 ? arg : arg.slice(0, equals);
    const value = equals < 0 ? undefined : arg.slice(equals + 1);
    return { key, value, comment: commentFor(key, comments) };
  });
}

function pairs({ args, name }: Node): KeyValue[] {
  const instruction = name.toUpperCase();
  const found: KeyValue[] = [];
  const list = atLeastOne(instruction, args);
  for (let index = 0; index < list.length; index += 2) {
    const key = list[index]!;
    if (key === '') throw invalidArgument(`${instruction} names can not be blank`);
    found.push({ key, value: list[index + 1] ?? '' });
  }
  return found;
}

function commandLine({ args, json, heredocs }: Node): CommandLine {
  return { args, shell: !json, heredocs };
}

const stageName = /^[a-z][a-z0-9-_.]*$/;

function parseFrom(node: Node, base: Base): FromInstruction {
  const [image = '', as = '', typedName = ''] = node.args;
  const named = node.args.length === 3 && as.toLowerCase() === 'as';
  if (!named && node.args.length !== 1) throw invalidArgument('FROM requires either one or three arguments');
  const name = named ? typedName.toLowerCase() : '';
  if (named && !stageName.test(name)) {
    throw invalidArgument(
      `invalid name for build stage: "${typedName}", name can't start with a number or contain symbols`,
    );
  }
  const { platform } = parseFlags(node.flags, { platform: 'string' });
  return {
    ...base,
    kind: 'from',
    base: image,
    name,
    platform: platform ?? '',
    comment: name === '' ? '' : commentFor(name, node.comments),
    asKeyword: named ? as : '',
    typedName: named ? typedName : '',
    comments: node.comments,
  };
}

function parseTrigger(node: Node): string {
  const text = atLeastOne('ONBUILD', node.args)[0]!;
  const keyword = splitInstruction(text).keyword.toUpperCase();
  if (keyword === 'ONBUILD') throw invalidArgument("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
  if (keyword === 'MAINTAINER' || keyword === 'FROM') {
    throw invalidArgument(`${keyword} isn't allowed as an ONBUILD trigger`);
  }
  const trigger = node.original.replace(/^\s*ONBUILD\s*/i, '');
  return node.heredocs.reduce((all, { content, name }) => `${all}\n${content}${name}`, trigger);
}

function parseRun(node: Node, base: Base): Instruction {
  const flags = parseFlags(node.flags, runFlags);
  for (const mount of flags.mount) mountSource(mount);
  const network = flags.network ?? 'default';
  if (network !== 'default' && network !== 'none' && network !== 'host') {
    throw invalidArgument(`invalid network mode: "${network}"`);
  }
  const security = flags.security ?? 'sandbox';
  if (security !== 'sandbox' && security !== 'insecure') {
    throw invalidArgument(`security "${security}" is not valid`);
  }
  const command = commandLine(node);
  return { ...base, kind: 'run', ...command, mounts: flags.mount, network, security, devices: flags.device };
}

function parseShell({ args, json, original }: Node): readonly string[] {
  const command = atLeastOne('SHELL', args);
  if (!json) throw invalidArgument(`SHELL requires the arguments to be in JSON form: ${original}`);
  return command;
}

function parseVolumes(args: readonly string[]): string[] {
  return atLeastOne('VOLUME', args).map((path) => {
    const trimmed = path.trim();
    if (trimmed === '') throw invalidArgument('VOLUME specified can not be an empty string');
    return trimmed;
  });
}

function atLeastOne(instruction: string, args: readonly string[]): readonly string[] {
  if (args.length === 0) throw invalidArgument(`${instruction} requires at least one argument`);
  return args;
}

function exactlyOne(instruction: string, args: readonly string[]): string {
  if (args.length !== 1) throw invalidArgument(`${instruction} requires exactly one argument`);
  return args[0]!;
}

/** The description of `name` in the comment lines above: `name what it is`. */
function commentFor(name: string, comments: readonly string[]): string {
  const line = comments.find((comment) => comment.startsWith(`${name} `));
  return line === undefined ? '' : line.slice(name.length + 1);
}
