import { reportsBody } from './examples.ts';

const REPORTS_PER_BODY = 1_000;
/** As many bodies are made beforehand; each is used again only when its request has long been answered. */
const BODIES = 400;
const ID_MARK = '"reportId":"01JDF';
const ID_DIGITS = 21;

/**
 * Bodies of a thousand reports each, no two reports the same. Making them anew would cost the sender more than sending
 * them, so that the running number is written into ready bytes.
 */
export class ReportStream {
  private readonly bodies: readonly { readonly bytes: Buffer; readonly places: readonly number[] }[];
  private made = 0;

  /** `bodies`: how many are made beforehand. */
  constructor(nowMs: number, bodies = BODIES) {
    this.bodies = Array.from({ length: bodies }, (_, index) => {
      const bytes = Buffer.from(reportsBody(index * REPORTS_PER_BODY, REPORTS_PER_BODY, nowMs));
      const places: number[] = [];
      for (let mark = bytes.indexOf(ID_MARK); mark >= 0; mark = bytes.indexOf(ID_MARK, mark + 1)) {
        places.push(mark + ID_MARK.length + ID_DIGITS);
      }
      return { bytes, places };
    });
  }

  /** The next body; its bytes are valid until some hundred more were asked for. */
  next(): Buffer {
    const { bytes, places } = this.bodies[this.made % this.bodies.length] ?? { bytes: Buffer.alloc(0), places: [] };
    let number = this.made * REPORTS_PER_BODY;
    for (const end of places) {
      writeDigits(bytes, end, number);
      number += 1;
    }
    this.made += 1;
    return bytes;
  }
}

/** Writes a number so that it ends before a place; what stands before it is zeros already. */
function writeDigits(bytes: Buffer, end: number, number: number): void {
  for (let [index, rest] = [end - 1, number]; rest > 0; index -= 1, rest = Math.floor(rest / 10))
    bytes[index] = 48 + (rest % 10);
}
