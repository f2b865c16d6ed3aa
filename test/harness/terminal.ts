/** A program on a terminal of its own, driven like a person would. */
export interface Terminal {
  /** Everything shown so far. */
  readonly screen: string;
  type(text: string): void;
  resize(columns: number, rows: number): void;
  /** Resolves when `text` was shown after the last one waited for; rejects when it is not, in time. */
  shows(text: string | RegExp, timeout?: number): Promise<string>;
  readonly exited: Promise<number>;
  kill(): void;
}

export function openTerminal(argv: readonly string[], env: Record<string, string>, columns = 80, rows = 24): Terminal {
  let screen = '';
  let seen = 0;
  const waiting = new Set<() => void>();
  const child = Bun.spawn([...argv], {
    env: { ...process.env, ...env, TERM: 'xterm' },
    terminal: {
      cols: columns,
      rows,
      data(_terminal, data) {
        screen += Buffer.from(data).toString();
        for (const look of waiting) look();
      },
    },
  });
  return {
    get screen() {
      return screen;
    },
    type: (text) => void child.terminal!.write(text),
    resize: (newColumns, newRows) => child.terminal!.resize(newColumns, newRows),
    shows: (text, timeout = 10_000) =>
      new Promise((resolve, reject) => {
        const give = (end: number) => {
          clearTimeout(timer);
          waiting.delete(look);
          const part = screen.slice(seen, end);
          seen = end;
          resolve(part);
        };
        const look = () => {
          const rest = screen.slice(seen);
          const at = typeof text === 'string' ? rest.indexOf(text) : rest.search(text);
          if (at < 0) return;
          const length = typeof text === 'string' ? text.length : rest.match(text)![0].length;
          give(seen + at + length);
        };
        const timer = setTimeout(() => {
          waiting.delete(look);
          reject(new Error(`${JSON.stringify(String(text))} was not shown; the screen: ${JSON.stringify(screen)}`));
        }, timeout);
        waiting.add(look);
        look();
      }),
    exited: child.exited,
    kill: () => child.kill('SIGKILL'),
  };
}
