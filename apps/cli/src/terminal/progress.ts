import type { JsonMessage } from '@wharf/api/streams/json-message';
import { ExitError } from '../exit-error.ts';
import { humanSize } from '../format/units.ts';
import type { Output } from './output.ts';
import { isTerminal, terminalSize } from './terminal.ts';

/**
 * Shows a progress stream: on a terminal one line an id, redrawn in place with a bar; elsewhere each message once.
 * Calls `aux` with what a message carries besides. Throws the stream's own error.
 */
export async function showProgress(
  messages: AsyncIterable<JsonMessage>,
  output: Output | undefined,
  descriptor: number,
  aux?: (value: unknown) => void,
): Promise<void> {
  const terminal = output !== undefined && isTerminal(descriptor);
  const columns = terminal ? (terminalSize(descriptor)?.columns ?? 80) : 80;
  const lines = new Map<string, number>();
  for await (const message of messages) {
    if (message.errorDetail || message.error !== undefined) {
      throw new ExitError(1, message.errorDetail?.message ?? message.error ?? '');
    }
    if (message.aux !== undefined) {
      aux?.(message.aux);
      continue;
    }
    if (!output) continue;
    if (!terminal) {
      output.print(plainLine(message));
      continue;
    }
    if (message.id === undefined || !message.progressDetail) {
      // Lines that scroll away take the drawn ones with them.
      if (message.id === undefined) lines.clear();
      output.print(terminalLine(message, columns));
      if (message.id === undefined || !lines.has(message.id)) continue;
      continue;
    }
    drawAt(output, lines, message.id, terminalLine(message, columns));
  }
}

function drawAt(output: Output, lines: Map<string, number>, id: string, line: string): void {
  let at = lines.get(id);
  let prefix = '';
  if (at === undefined) {
    at = lines.size;
    lines.set(id, at);
    prefix = '\n';
  }
  const up = lines.size - at;
  output.print(`${prefix}\x1b[${up}A\x1b[2K\r${line}\x1b[${up}B\r`);
}

/** Without a terminal a bar is noise: only messages that say something new are lines. */
function plainLine({ id, status, stream, progressDetail }: JsonMessage): string {
  if (stream !== undefined) return stream;
  if (progressDetail?.current !== undefined && progressDetail.current > 0) return '';
  if (status === undefined) return '';
  return `${id === undefined ? '' : `${id}: `}${status}\n`;
}

function terminalLine(message: JsonMessage, columns: number): string {
  if (message.stream !== undefined) return message.stream;
  const prefix = message.id === undefined ? '' : `${message.id}: `;
  const bar = progressBar(message.progressDetail, columns);
  const end = message.progressDetail && message.id !== undefined ? '' : '\n';
  return `${prefix}${message.status ?? ''}${bar === '' ? '' : ` ${bar}`}${end}`;
}

/** `[====>    ]  1.2MB/5MB`, as wide as the terminal allows. */
export function progressBar(detail: JsonMessage['progressDetail'], columns: number): string {
  const { current = 0, total = 0, hidecounts, units } = detail ?? {};
  if (current <= 0 && total <= 0) return '';
  const amount = (value: number) => (units === undefined || units === '' ? humanSize(value) : `${value} ${units}`);
  if (total <= 0) return amount(current).padStart(8);
  const percent = Math.min(100, Math.trunc((current / total) * 100));
  const half = Math.trunc(percent / 2);
  const room = 50 - half;
  const bar = columns > 110 ? `[${'='.repeat(half)}>${' '.repeat(room)}] ` : '';
  if (hidecounts) return bar;
  if (current > total) return `${bar}${amount(current).padStart(8)}`;
  return `${bar}${amount(current).padStart(8)}/${amount(total)}`;
}
