import { dlopen, ptr } from 'bun:ffi';

// The client may not use the engine's kernel package, so the few calls that a terminal needs are bound here.
const libc = dlopen('libc.so.6', {
  isatty: { args: ['int'], returns: 'int' },
  ioctl: { args: ['int', 'u64', 'ptr'], returns: 'int' },
  tcgetattr: { args: ['int', 'ptr'], returns: 'int' },
  tcsetattr: { args: ['int', 'int', 'ptr'], returns: 'int' },
}).symbols;

const ioctlGetWindowSize = 0x5413;
const setDrained = 1;
const termiosSize = 60;

export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

export function isTerminal(descriptor: number): boolean {
  return libc.isatty(descriptor) === 1;
}

/** Undefined where the descriptor is no terminal or has no size. */
export function terminalSize(descriptor: number): TerminalSize | undefined {
  const size = new Uint16Array(4);
  if (libc.ioctl(descriptor, ioctlGetWindowSize, ptr(size)) !== 0) return undefined;
  const [rows = 0, columns = 0] = size;
  return rows === 0 && columns === 0 ? undefined : { rows, columns };
}

/**
 * Sends every key as it is pressed, signals and all, but leaves the translation of newlines on output to the terminal
 * on the far side. Returns the way back. cfmakeraw(3), less OPOST's absence: Bun's own setRawMode doubles carriage
 * returns.
 */
export function enterRawMode(descriptor: number): () => void {
  const before = new Uint32Array(termiosSize / 4);
  if (libc.tcgetattr(descriptor, ptr(before)) !== 0) return () => {};
  const raw = before.slice();
  const [input = 0, output = 0, control = 0, local = 0] = raw;
  // IGNBRK|BRKINT|PARMRK|ISTRIP|INLCR|IGNCR|ICRNL|IXON
  raw[0] = input & ~(0o1 | 0o2 | 0o10 | 0o40 | 0o100 | 0o200 | 0o400 | 0o2000);
  // OPOST
  raw[1] = output & ~0o1;
  // CSIZE|PARENB, then CS8
  raw[2] = (control & ~(0o60 | 0o400)) | 0o60;
  // ECHO|ECHONL|ICANON|ISIG|IEXTEN
  raw[3] = local & ~(0o10 | 0o100 | 0o2 | 0o1 | 0o100000);
  const bytes = new Uint8Array(raw.buffer);
  // VTIME and VMIN: a read returns with the first byte.
  bytes[17 + 5] = 0;
  bytes[17 + 6] = 1;
  libc.tcsetattr(descriptor, setDrained, ptr(raw));
  let restored = false;
  return () => {
    if (!restored) libc.tcsetattr(descriptor, setDrained, ptr(before));
    restored = true;
  };
}

/** Shows no key that is pressed. Returns the way back. */
export function hideInput(descriptor: number): () => void {
  const before = new Uint32Array(termiosSize / 4);
  if (libc.tcgetattr(descriptor, ptr(before)) !== 0) return () => {};
  const hidden = before.slice();
  // ECHO
  hidden[3] = (hidden[3] ?? 0) & ~0o10;
  libc.tcsetattr(descriptor, setDrained, ptr(hidden));
  return () => void libc.tcsetattr(descriptor, setDrained, ptr(before));
}
