/** The table of a page, to the end of its last row. */
const TABLE = /^\| scenario \|.*(?:\n\|.*)+/m;
/** What the tool writes below a table; notes end where it begins. */
const MADE_BELOW = /^(?:Left out:$|Of \d+ messages that were refused |## )/m;

/** What somebody has written below the table of a page. */
function notesOf(page: string): string {
  const [, below = ''] = page.split(TABLE);
  const [notes = ''] = below.split(MADE_BELOW);
  return notes.trim();
}

/** A page that is made anew, with what somebody has written below the table of the one before. */
export function withNotes(made: string, before: string): string {
  const notes = notesOf(before);
  return notes === '' ? made : made.replace(TABLE, (table) => `${table}\n\n${notes}`);
}
