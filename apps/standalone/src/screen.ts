import wrapAnsi from 'wrap-ansi';

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
  let drawnColumns = 0;
  return (text) => {
    const { columns = COLUMNS, rows = ROWS } = screen;
    // A terminal that became narrower has wrapped what is on it.
    const up = columns < drawnColumns ? wrapped(drawn, columns).length : drawn.length;
    drawn = wrapped(text, columns).slice(0, rows - 1);
    drawnColumns = columns;
    const back = up === 0 ? '' : `\u001b[${String(Math.min(up, rows - 1))}A\r`;
    // What each row has, and all below, belonged to the text before.
    screen.write(`${back}${drawn.map((line) => `\u001b[K${line}\n`).join('')}\u001b[J`);
  };
}

/** The rows of the terminal that the lines fill. */
function wrapped(lines: readonly string[], columns: number): readonly string[] {
  return lines.flatMap((line) => wrapAnsi(line, columns, { hard: true, trim: false }).split('\n'));
}
