export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'fatal';

const severity = { debug: 0, info: 1, warn: 2, error: 3, fatal: 4 } as const satisfies Record<LogLevel, number>;

export interface Logger {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

export interface LoggerOptions {
  /** Asked for each line: it may change while the daemon runs. */
  readonly level: () => LogLevel;
  /** `terminal` is text in colours. */
  readonly format: 'text' | 'json' | 'terminal';
  readonly write: (line: string) => void;
}

// logrus' colours: grey, blue, yellow, red.
const colours = { debug: 37, info: 36, warn: 33, error: 31, fatal: 31 } as const satisfies Record<LogLevel, number>;

/** dockerd's logrus lines: `time="..." level=info msg="..." key=value`, or one JSON object a line. */
export function createLogger({ level, format, write }: LoggerOptions): Logger {
  function log(at: LogLevel, message: string, fields: Record<string, unknown> = {}): void {
    if (severity[at] < severity[level()]) return;
    const time = new Date().toISOString();
    if (format === 'json') {
      write(`${JSON.stringify({ level: at, msg: message, time, ...printable(fields) })}\n`);
      return;
    }
    if (format === 'terminal') {
      write(`${terminalLine(at, time, message, printable(fields))}\n`);
      return;
    }
    let line = `time="${time}" level=${at === 'warn' ? 'warning' : at} msg=${quote(message)}`;
    for (const [key, value] of Object.entries(printable(fields))) line += ` ${key}=${quote(String(value))}`;
    write(`${line}\n`);
  }
  return {
    debug: (message, fields) => log('debug', message, fields),
    info: (message, fields) => log('info', message, fields),
    warn: (message, fields) => log('warn', message, fields),
    error: (message, fields) => log('error', message, fields),
  };
}

/** `INFO[2026-01-02T03:04:05Z] message    key=value` */
function terminalLine(at: LogLevel, time: string, message: string, fields: Record<string, unknown>): string {
  const colour = (text: string) => `\x1b[${colours[at]}m${text}\x1b[0m`;
  const rest = Object.entries(fields).map(([key, value]) => ` ${colour(key)}=${quote(String(value))}`);
  const head = `${colour(at.slice(0, 4).toUpperCase())}[${time}] `;
  return rest.length === 0 ? head + message : `${head}${message.padEnd(44)}${rest.join('')}`;
}

function printable(fields: Record<string, unknown>): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(fields)) {
    result[key] = value instanceof Error ? value.message : value;
  }
  return result;
}

function quote(text: string): string {
  return /^[\w./:@+-]+$/.test(text) ? text : JSON.stringify(text);
}

/** For tests and for code that has nothing to say. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };
