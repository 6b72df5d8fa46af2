// Texts as fields of a record have them: free of control characters, which separate the fields.

const CONTROL = /[\x00-\x1f\x7f]/;
const CONTROLS = /[\x00-\x1f\x7f]/g;
export const ESCAPE = '\x1b';
const ESCAPED = /\x1b(.)/gs;

/** In caret notation, after ESC. XML has no other control characters than line breaks and tabs, and attributes seldom these. */
const caret = (character: string) => String.fromCharCode(character.charCodeAt(0) ^ 0x40);

/** A text as a field has it. */
export function written(text: string): string {
  // Asked for each field of every message.
  return CONTROL.test(text) ? text.replace(CONTROLS, (character) => ESCAPE + caret(character)) : text;
}

/** The text of such a field. */
export function unwritten(field: string): string {
  return field.replace(ESCAPED, (_, character: string) => caret(character));
}
