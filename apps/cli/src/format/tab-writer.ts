export interface TabStyle {
  readonly minWidth: number;
  readonly padding: number;
}

const tableStyle: TabStyle = { minWidth: 10, padding: 3 };

/**
 * Aligns tab-separated cells as Go's text/tabwriter does: a column is a run of consecutive lines that have a cell
 * there, and the last cell of a line belongs to none.
 */
export function alignTabs(text: string, style: TabStyle = tableStyle): string {
  const lines = text.split('\n').map((line) => line.split('\t'));
  const widths: number[] = [];
  let result = '';

  function write(from: number, to: number): void {
    for (let at = from; at < to; at++) {
      const cells = lines[at] ?? [];
      cells.forEach((cell, column) => {
        const width = widths[column];
        result += column < cells.length - 1 && width !== undefined ? pad(cell, width) : cell;
      });
      if (at < lines.length - 1) result += '\n';
    }
  }

  function format(from: number, to: number): void {
    const column = widths.length;
    let start = from;
    let at = from;
    while (at < to) {
      if (column >= (lines[at]?.length ?? 0) - 1) {
        at++;
        continue;
      }
      write(start, at);
      start = at;
      let width = style.minWidth;
      for (; at < to; at++) {
        const cells = lines[at] ?? [];
        if (column >= cells.length - 1) break;
        width = Math.max(width, displayWidth(cells[column] ?? '') + style.padding);
      }
      widths.push(width);
      format(start, at);
      widths.pop();
      start = at;
    }
    write(start, to);
  }

  format(0, lines.length);
  return result;
}

function pad(cell: string, width: number): string {
  return cell + ' '.repeat(Math.max(0, width - displayWidth(cell)));
}

function displayWidth(cell: string): number {
  return Bun.stringWidth(cell);
}
