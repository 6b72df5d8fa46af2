// bench/RESULTS.md, which is written section by section: a run that is ended early has replaced those that it came to.

/** What a section has to show. */
export interface Finding {
  readonly name: string;
  readonly title: string;
  /** Markdown. */
  readonly text: string;
  /** When it was measured, and how long that took, in words. */
  readonly when: string;
}

const TITLE = '# Results of `npm run bench`';
const MARK = /^<!-- section (\S+) -->$/m;
const GOAL = /^\| (.*?) \|.*\| (PASS|FAIL) \|$/gm;

/** The sections of a document, by their names; none of one that was written otherwise. */
function sectionsOf(document: string): Map<string, string> {
  const parts = document.split(MARK).slice(1);
  const sections = new Map<string, string>();
  for (let at = 0; at + 1 < parts.length; at += 2) sections.set(parts[at] as string, (parts[at + 1] as string).trim());
  return sections;
}

function summary(sections: Iterable<string>): string {
  const goals = [...sections].flatMap((text) => [...text.matchAll(GOAL)]);
  const missed = goals.filter(([, , outcome]) => outcome === 'FAIL').map(([, what]) => what);
  if (missed.length === 0) return `All ${goals.length} goals are met.`;
  return `**${missed.length} of ${goals.length} goals are not met:** ${missed.join('; ')}.`;
}

/**
 * The document with a section measured anew; what this run has not come to stays as an earlier one left it, with its date.
 *
 * @param order the names of all sections
 */
export function withSection(document: string, order: readonly string[], { name, title, text, when }: Finding): string {
  const sections = sectionsOf(document);
  sections.set(name, `## ${title}\n\n${when}\n\n${text.trim()}`);
  const known = order.filter((one) => sections.has(one));
  const body = known.map((one) => `<!-- section ${one} -->\n\n${sections.get(one)}\n`).join('\n');
  const intro = `Written by the benchmark, a section at a time; figures as measured. ${summary(known.map((one) => sections.get(one) as string))}`;
  return `${TITLE}\n\n${intro}\n\n${body}`;
}
