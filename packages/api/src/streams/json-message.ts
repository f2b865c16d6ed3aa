/** One object of a progress stream: pull, push, load, import, build. */
export interface JsonMessage {
  stream?: string;
  status?: string;
  id?: string;
  /** Text for clients that do not draw `progressDetail` themselves. */
  progress?: string;
  progressDetail?: { current?: number; total?: number; start?: number; hidecounts?: boolean; units?: string };
  /** After the first byte a failure arrives here; `error` repeats its message for old clients. */
  errorDetail?: { code?: number; message: string };
  error?: string;
  aux?: unknown;
}

/** One line of the stream: the object and CR LF. */
export function encodeJsonMessage(message: JsonMessage): string {
  return `${escapeHtml(JSON.stringify(message))}\r\n`;
}

const escapes: Readonly<Record<string, string>> = { '<': '\\u003c', '>': '\\u003e', '&': '\\u0026' };

/** Go's encoder escapes these in streams, so that its output may stand in HTML. Takes finished JSON. */
export function escapeHtml(json: string): string {
  return /[<>&]/.test(json) ? json.replace(/[<>&]/g, (character) => escapes[character]!) : json;
}
