/** A terminal as the display needs it. */
export interface Screen {
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

const COLUMNS = 80;
const ROWS = 24;

/**
 * Draws a text over the one that it drew before, also where lines wrap, and where the text is taller than the terminal: then
 * its last lines are left out, because what has scrolled away cannot be drawn over.
 */
export function drawOn(screen: Screen): (text: readonly string[]) => void {
  let drawn: readonly string[] = [];
  return (text) => {
    const { columns = COLUMNS, rows = ROWS } = screen;
    const up = heightOf(drawn, columns);
    drawn = fitting(text, columns, rows - 1);
    const back = up === 0 ? '' : `\u001b[${String(Math.min(up, rows - 1))}A\r`;
    // The rest of each line, and all below, belonged to the text before.
    screen.write(`${back}${drawn.map((line) => `${line}\u001b[K\n`).join('')}\u001b[J`);
  };
}

function fitting(text: readonly string[], columns: number, rowsMax: number): readonly string[] {
  let count = text.length;
  while (count > 0 && heightOf(text.slice(0, count), columns) > rowsMax) count -= 1;
  return text.slice(0, count);
}

/** Rows of the terminal that the lines fill; each line counts at least one. */
function heightOf(lines: readonly string[], columns: number): number {
  return lines.reduce((sum, line) => sum + Math.max(1, Math.ceil([...line].length / columns)), 0);
}
