import { constants } from 'node:os';
import { invalidArgument } from '@wharf/base/error';

const signals = new Map<string, number>(Object.entries(constants.signals));
const firstRealTime = 34;
const lastRealTime = 64;

/** `KILL`, `SIGKILL`, `sigkill`, `9`, `RTMIN+3`, `SIGRTMAX-1` to its number. Throws Docker's `invalid signal: x`. */
export function parseSignal(text: string): number {
  if (/^\d+$/.test(text)) {
    const number = Number(text);
    if (number > 0 && number <= lastRealTime) return number;
    throw invalidArgument(`invalid signal: ${text}`);
  }
  const name = text.toUpperCase().replace(/^(?!SIG)/, 'SIG');
  const number = signals.get(name) ?? realTime(name);
  if (number === undefined) throw invalidArgument(`invalid signal: ${text}`);
  return number;
}

function realTime(name: string): number | undefined {
  const match = /^SIGRT(MIN|MAX)(?:([+-])(\d{1,2}))?$/.exec(name);
  if (!match) return undefined;
  const base = match[1] === 'MIN' ? firstRealTime : lastRealTime;
  const number = base + Number(match[3] ?? 0) * (match[2] === '-' ? -1 : 1);
  return number >= firstRealTime && number <= lastRealTime ? number : undefined;
}
