/** Texts that go into the headers of records: names that somebody chose, ids of commits. */
export const TEXT_CHARACTERS_MAX = 512;
const REPLACEMENT = '\uFFFD';
/** What CloudEvents forbids in texts. */
const CONTROL_CHARACTERS = /[\u0000-\u001F\u007F-\u009F]/g;

/** A name that somebody chose, as it may stand in a header: what a reader would refuse is taken out here. */
export function toHeaderText(text: string): string {
  const short = text.length > TEXT_CHARACTERS_MAX ? text.slice(0, TEXT_CHARACTERS_MAX) : text;
  return hasControlCharacter(short) ? short.replaceAll(CONTROL_CHARACTERS, REPLACEMENT) : short;
}

// A loop, because these texts are short and come thirty thousand times a second; a pattern takes twice as long.
export function hasControlCharacter(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code < 0x20 || (code >= 0x7f && code <= 0x9f)) return true;
  }
  return false;
}
