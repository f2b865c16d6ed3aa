const codes = { red: 31, yellow: 33, blue: 34, cyan: 36 } as const;

export type Colour = keyof typeof codes;

/** A text in a colour of the terminal. */
export function paint(text: string, colour: Colour): string {
  return `\x1b[${codes[colour]}m${text}\x1b[0m`;
}
