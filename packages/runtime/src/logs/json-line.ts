import { isUtf8 } from 'node:buffer';

/**
 * Text as a JSON string's content, for many log lines at once. Strings here are latin1: one character a byte, so
 * that UTF-8 passes through unread. Lines are separated by \n and stay so.
 */
export function escapeLines(text: string): string {
  if (!special.test(text)) return text;
  const valid = highByte.test(text) ? withoutInvalidUtf8(text) : text;
  // JSON.stringify is several times faster on a whole block than on each line: hide the separators from it.
  if (!valid.includes(separator)) {
    return escapeMarkup(JSON.stringify(valid.replaceAll('\n', separator)).slice(1, -1)).replaceAll(separator, '\n');
  }
  const lines = valid.split('\n');
  return lines.map((line) => escapeMarkup(JSON.stringify(line).slice(1, -1))).join('\n');
}

/** All that cannot stand in a JSON string as it is; \n separates lines. */
const special = /[\x00-\x09\x0b-\x1f"\\<>&\x80-\xff]/;
const highByte = /[\x80-\xff]/;
/** A character that JSON.stringify leaves alone and that hardly any log holds. */
const separator = '\x7f';

/** Docker writes these three so; the strings of a log may end up in a web page. */
function escapeMarkup(text: string): string {
  if (!/[<>&]/.test(text)) return text;
  return text.replaceAll('<', '\\u003c').replaceAll('>', '\\u003e').replaceAll('&', '\\u0026');
}

function withoutInvalidUtf8(text: string): string {
  const bytes = Buffer.from(text, 'latin1');
  return isUtf8(bytes) ? text : replaceInvalid(bytes);
}

/** Each byte that is part of no valid sequence becomes U+FFFD, as Go's encoding/json has it. */
function replaceInvalid(bytes: Buffer): string {
  const replacement = '\xef\xbf\xbd';
  let result = '';
  let at = 0;
  while (at < bytes.length) {
    const length = sequenceLength(bytes, at);
    result += length === 0 ? replacement : bytes.toString('latin1', at, at + length);
    at += Math.max(1, length);
  }
  return result;
}

/** The length of the UTF-8 sequence that begins here; 0 if none does. */
function sequenceLength(bytes: Buffer, at: number): number {
  const first = bytes[at]!;
  if (first < 0x80) return 1;
  const length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  return length > 0 && at + length <= bytes.length && isUtf8(bytes.subarray(at, at + length)) ? length : 0;
}
