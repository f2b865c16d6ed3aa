import { EngineError, invalidArgument } from '@wharf/base/error';
import type { Option } from './option.ts';
import { options, type SettingName, type Settings } from './options.ts';

export interface ParsedFlags {
  /** Only what was given. */
  readonly settings: Partial<Settings>;
  /** `--config-file`; undefined is the default place. */
  readonly configFile: string | undefined;
  readonly action: 'run' | 'validate' | 'help' | 'version';
}

interface Flag {
  /** The setting it gives, or what it does on its own. */
  readonly name: SettingName | 'config-file' | 'validate' | 'help' | 'version';
  readonly takesArgument: boolean;
}

/** Reads the command line as dockerd's does: `--name value`, `--name=value`, `-n value`, `-nvalue`, `-n=value`. */
export function parseFlags(argv: readonly string[]): ParsedFlags {
  const byName = flagTable();
  const given: Record<string, unknown> = {};
  let configFile: string | undefined;
  let action: ParsedFlags['action'] = 'run';
  const rest = [...argv];

  function apply({ name, takesArgument }: Flag, shown: string, attached: string | undefined): void {
    const value = attached ?? (takesArgument ? rest.shift() : 'true');
    if (value === undefined) throw invalidArgument(`flag needs an argument: ${shown}`);
    if (name === 'config-file') configFile = value;
    else if (name === 'validate' || name === 'help' || name === 'version') action = name;
    else given[name] = readFlag(name, shown, value, given[name]);
  }

  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    if (argument.startsWith('--') && argument !== '--') {
      const [name, attached] = splitOnce(argument.slice(2));
      const flag = byName.get(`--${name}`);
      if (!flag) throw invalidArgument(`unknown flag: --${name}`);
      apply(flag, `--${name}`, attached);
    } else if (argument.startsWith('-') && argument.length > 1 && argument !== '--') {
      applyShort(argument, byName, apply);
    } else {
      throw invalidArgument(`"wharfd" accepts no arguments: ${argument}`);
    }
  }
  return { settings: given as Partial<Settings>, configFile, action };
}

/** `-D`, `-Dl debug`, `-Hunix:///x`, `-H=unix:///x` */
function applyShort(
  argument: string,
  byName: ReadonlyMap<string, Flag>,
  apply: (flag: Flag, shown: string, attached: string | undefined) => void,
): void {
  for (let at = 1; at < argument.length; at++) {
    const letter = argument[at]!;
    const flag = byName.get(`-${letter}`);
    if (!flag) throw invalidArgument(`unknown shorthand flag: '${letter}' in ${argument}`);
    const rest = argument.slice(at + 1);
    const attached = rest.startsWith('=') ? rest.slice(1) : flag.takesArgument && rest !== '' ? rest : undefined;
    apply(flag, `-${letter}`, attached);
    if (attached !== undefined || flag.takesArgument) return;
  }
}

function readFlag(name: SettingName, shown: string, value: string, before: unknown): unknown {
  const option = options[name] as unknown as Option<unknown>;
  try {
    return option.fromFlag(value, before);
  } catch (error) {
    const { message } = EngineError.from(error);
    throw invalidArgument(`invalid argument ${JSON.stringify(value)} for ${JSON.stringify(shown)} flag: ${message}`);
  }
}

function flagTable(): Map<string, Flag> {
  const table = new Map<string, Flag>([
    ['--config-file', { name: 'config-file', takesArgument: true }],
    ['--validate', { name: 'validate', takesArgument: false }],
    ['--help', { name: 'help', takesArgument: false }],
    ['-h', { name: 'help', takesArgument: false }],
    ['--version', { name: 'version', takesArgument: false }],
    ['-v', { name: 'version', takesArgument: false }],
  ]);
  for (const [name, option] of Object.entries(options) as [SettingName, Option<unknown>][]) {
    if (option.fileOnly) continue;
    const flag: Flag = { name, takesArgument: option.argument !== undefined };
    table.set(`--${option.flag ?? name}`, flag);
    if (option.short) table.set(`-${option.short}`, flag);
  }
  return table;
}

function splitOnce(text: string): [string, string | undefined] {
  const equals = text.indexOf('=');
  return equals < 0 ? [text, undefined] : [text.slice(0, equals), text.slice(equals + 1)];
}

/** What `wharfd --help` prints. */
export function formatHelp(): string {
  const withFlag = (Object.entries(options) as [string, Option<unknown>][]).filter(([, option]) => !option.fileOnly);
  const rows = withFlag.map(([name, option]) => {
    const short = option.short ? `-${option.short}, ` : '    ';
    return [`  ${short}--${option.flag ?? name} ${option.argument ?? ''}`.trimEnd(), option.help] as const;
  });
  rows.push(
    ['      --config-file string', 'Configuration file'],
    ['      --validate', 'Check the configuration and exit'],
    ['  -v, --version', 'Print the version and exit'],
    ['  -h, --help', 'Print this'],
  );
  const width = Math.max(...rows.map(([flag]) => flag.length)) + 2;
  const lines = rows.map(([flag, help]) => `${flag.padEnd(width)}${help}`);
  return [
    'Usage:  wharfd [OPTIONS]',
    '',
    'Runs containers, and answers the Docker Engine API.',
    '',
    'Options:',
    ...lines,
    '',
  ].join('\n');
}
