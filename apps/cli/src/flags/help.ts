import type { Command } from '../commands/command.ts';
import { callsOf, type Entry, entries, groups, groupsWithin } from '../commands/tree.ts';
import type { Flag } from './flag.ts';
import type { FlagSet } from './parse.ts';

const width = 80;

/** `wharf ps --help`. `path` is how the command was called. */
export function commandHelp(entry: Entry, command: Command, path: string): string {
  const calls = callsOf(entry).map((call) => `wharf ${call}`);
  const parts = [`Usage:  ${usageLine(path, command.usage)}`, entry.summary];
  if (calls.length > 1) parts.push(`Aliases:\n  ${calls.join(', ')}`);
  if (command.details !== undefined) parts.push(command.details);
  const options = flagTable(command.flags);
  if (options !== '') parts.push(`Options:\n${options}`);
  return `${parts.join('\n\n')}\n`;
}

export function usageLine(path: string, usage: string): string {
  return `wharf ${path}${usage === '' ? '' : ` ${usage}`}`;
}

/** `wharf container --help`. */
export function groupHelp(group: string): string {
  const members = entries.filter((entry) => entry.group === group);
  const commands = members.map(({ names, summary }) => [names[0] ?? '', summary] as const);
  return [
    `Usage:  wharf ${group} COMMAND`,
    groups[group] ?? '',
    `Commands:\n${commandTable([...commands, ...groupsWithin(group)].sort(([a], [b]) => (a < b ? -1 : 1)))}`,
    `Run 'wharf ${group} COMMAND --help' for more information on a command.\n`,
  ].join('\n\n');
}

/** `wharf --help`. */
export function rootHelp(globalFlags: FlagSet): string {
  const shown = entries.filter(({ short }) => short.length > 0);
  const common = shown.filter((entry) => entry.common !== undefined);
  common.sort((a, b) => (a.common ?? 0) - (b.common ?? 0));
  const others = shown.filter((entry) => entry.common === undefined);
  return [
    'Usage:  wharf [OPTIONS] COMMAND',
    'Containers, images, networks and volumes, on wharfd or any daemon that speaks the Docker Engine API',
    `Common Commands:\n${commandTable(common.map(named))}`,
    `Management Commands:\n${commandTable(groupsWithin(''))}`,
    `Commands:\n${commandTable(others.map(named).sort(([a], [b]) => (a < b ? -1 : 1)))}`,
    `Global Options:\n${flagTable(globalFlags)}`,
    "Run 'wharf COMMAND --help' for more information on a command.\n",
  ].join('\n\n');
}

function named({ short, summary }: Entry): [string, string] {
  return [short[0] ?? '', summary];
}

function commandTable(rows: readonly (readonly [string, string])[]): string {
  return rows.map(([name, summary]) => `  ${name.padEnd(11)} ${summary}`).join('\n');
}

/** The options, sorted, in two columns; help wraps within its own. */
export function flagTable(flags: FlagSet): string {
  const rows = Object.entries(flags)
    .filter(([, flag]) => !flag.hidden)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, flag]) => [flagColumn(name, flag), helpColumn(flag)] as const);
  const left = Math.max(0, ...rows.map(([column]) => column.length)) + 3;
  return rows.map(([column, help]) => column.padEnd(left) + wrap(help, left)).join('\n');
}

function flagColumn(name: string, flag: Flag<unknown>): string {
  const short = flag.short === undefined ? '      ' : `  -${flag.short}, `;
  return `${short}--${name}${flag.kind === '' ? '' : ` ${flag.kind}`}`;
}

function helpColumn({ help, shown }: Flag<unknown>): string {
  return shown === '' ? help : `${help} (default ${shown})`;
}

function wrap(help: string, indent: number): string {
  const room = Math.max(24, width - indent);
  const lines: string[] = [];
  for (const paragraph of help.split('\n')) {
    let line = '';
    for (const word of paragraph.split(' ')) {
      if (line !== '' && line.length + 1 + word.length > room) {
        lines.push(line);
        line = word;
      } else line = line === '' ? word : `${line} ${word}`;
    }
    lines.push(line);
  }
  return lines.join(`\n${' '.repeat(indent)}`);
}
