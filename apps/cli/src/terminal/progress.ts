import type { JsonMessage } from '@wharf/api/streams/json-message';
import { ExitError } from '../exit-error.ts';
import { humanSize } from '../format/units.ts';
import type { Output } from './output.ts';
import { isTerminal, terminalSize } from './terminal.ts';

/** Shows a progress stream on the output behind `descriptor`, or nowhere. Throws the stream's own error. */
export async function showProgress(
  messages: AsyncIterable<JsonMessage>,
  output: Output | undefined,
  descriptor: number,
): Promise<void> {
  const columns = output && isTerminal(descriptor) ? (terminalSize(descriptor)?.columns ?? 80) : undefined;
  await renderProgress(messages, output, columns);
}

/**
 * On a terminal, whose width is `columns`, one line an id is redrawn in place; elsewhere each message that is not
 * about mere progress is a line.
 */
export async function renderProgress(
  messages: AsyncIterable<JsonMessage>,
  output: Output | undefined,
  columns: number | undefined,
): Promise<void> {
  const lines = new Map<string, number>();
  for await (const message of messages) {
    if (message.errorDetail || message.error !== undefined) {
      throw new ExitError(message.errorDetail?.code || 1, message.errorDetail?.message ?? message.error ?? '');
    }
    if (!output || message.aux !== undefined) continue;
    const { id, progressDetail } = message;
    if (columns === undefined) output.print(plainLine(message));
    else if (id !== undefined && progressDetail) drawAt(output, lines, id, terminalLine(message, columns));
    else {
      // What scrolls takes the drawn lines with it.
      lines.clear();
      output.print(`${terminalLine(message, columns)}${message.stream === undefined ? '\n' : ''}`);
    }
  }
}

function drawAt(output: Output, lines: Map<string, number>, id: string, line: string): void {
  const known = lines.get(id);
  const at = known ?? lines.size;
  lines.set(id, at);
  const up = lines.size - at;
  output.print(`${known === undefined ? '\n' : ''}\x1b[${up}A\x1b[2K\r${line}\r\x1b[${up}B`);
}

function plainLine({ id, status, stream, progressDetail }: JsonMessage): string {
  if (stream !== undefined) return stream;
  const { current = 0, total = 0 } = progressDetail ?? {};
  if (status === undefined || current > 0 || total > 0) return '';
  return `${id === undefined ? '' : `${id}: `}${status}\n`;
}

function terminalLine(message: JsonMessage, columns: number): string {
  if (message.stream !== undefined) return message.stream;
  const prefix = message.id === undefined ? '' : `${message.id}: `;
  const bar = progressBar(message.progressDetail, columns);
  return `${prefix}${message.status ?? ''}${bar === '' ? '' : ` ${bar}`}`;
}

/** `[====>    ]  1.2MB/5MB`; a narrow terminal gets the numbers alone. */
export function progressBar(detail: JsonMessage['progressDetail'], columns: number): string {
  const { current = 0, total = 0, hidecounts, units } = detail ?? {};
  if (current <= 0 && total <= 0) return '';
  const amount = (value: number) => (units ? `${value} ${units}` : humanSize(value));
  if (total <= 0) return amount(current).padStart(8);
  const half = Math.trunc(Math.min(100, (current / total) * 100) / 2);
  const bar = columns > 110 ? `[${'='.repeat(half)}>${' '.repeat(50 - half)}] ` : '';
  if (hidecounts) return bar;
  return `${bar}${amount(current).padStart(8)}${current > total ? '' : `/${amount(total)}`}`;
}
