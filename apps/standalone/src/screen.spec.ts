import { describe, expect, it } from 'vitest';
import { drawOn, type Screen } from './screen.ts';

/** A terminal that understands what the display writes: text, newlines, up, and clearing. */
class Terminal implements Screen {
  private lines: string[] = [''];
  private row = 0;
  private column = 0;

  constructor(
    readonly columns: number,
    readonly rows: number,
  ) {}

  write(text: string): void {
    for (const [part, up, clear] of text.matchAll(/\u001b\[(\d+)A|\u001b\[([KJ])|[^]/gu)) {
      if (up !== undefined) this.row = Math.max(this.lines.length - this.rows, this.row - Number(up), 0);
      else if (clear === 'K') this.lines[this.row] = (this.lines[this.row] ?? '').slice(0, this.column);
      else if (clear === 'J') this.lines = this.lines.slice(0, this.row + 1).with(this.row, '');
      else this.put(part);
    }
  }

  /** What is to be seen, without empty rows at the end. */
  get shown(): string[] {
    return this.lines.slice(-this.rows).join('\n').trimEnd().split('\n');
  }

  private put(character: string): void {
    if (character === '\r') this.column = 0;
    else if (character === '\n') this.next();
    else {
      if (this.column === this.columns) this.next();
      const line = (this.lines[this.row] ?? '').padEnd(this.column);
      this.lines[this.row] = line.slice(0, this.column) + character + line.slice(this.column + 1);
      this.column += 1;
    }
  }

  private next(): void {
    this.row += 1;
    this.column = 0;
    if (this.row === this.lines.length) this.lines.push('');
  }
}

const long =
  'iOS 26.3.1 (a) was halted: 9 of 20 installs on iPhone17,3 failed. The responder looks at it, and will take it back.';

describe('drawing over what was drawn', () => {
  it.each([
    [110, 40],
    [70, 20],
    [30, 20],
  ])('leaves nothing of a text whose lines wrap, at %i × %i', (columns, rows) => {
    const terminal = new Terminal(columns, rows);
    const draw = drawOn(terminal);
    draw(['one', long, 'three', 'four']);
    draw(['first', 'second']);
    draw(['first', long, 'third']);
    draw(['the end']);
    expect(terminal.shown).toEqual(['the end']);
  });

  it('shows the beginning of a text that is taller than the terminal', () => {
    const terminal = new Terminal(40, 6);
    const draw = drawOn(terminal);
    for (let time = 0; time < 5; time += 1)
      draw(['now', long, ...Array.from({ length: 20 }, (_, index) => `line ${String(index)}`)]);
    expect(terminal.shown[0]).toBe('now');
    expect(terminal.shown.filter((line) => line === 'now')).toHaveLength(1);
  });
});
