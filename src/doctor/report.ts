import { AREAS, type Finding, type Level } from './finding.ts';

/** With the colours (ECMA-48) of each. */
const MARKS: Record<Level, readonly [mark: string, colour: number]> = {
  ok: ['✓', 32],
  problem: ['✗', 31],
  warning: ['!', 33],
  unknown: ['?', 36],
};
const NARROWEST = 40;
const WIDEST = 110;

/** Columns of the terminal, and whether it shows colours. */
export interface Paper {
  readonly columns: number;
  readonly colours: boolean;
}

/** The findings as people read them: by area, each with what to do. */
export function report(findings: readonly Finding[], { columns, colours }: Paper): string {
  const width = Math.min(Math.max(columns, NARROWEST), WIDEST);
  const lines: string[] = [];
  for (const area of AREAS) {
    const own = findings.filter((finding) => finding.area === area);
    if (own.length === 0) continue;
    lines.push('', bold(area, colours));
    for (const { level, text, advice } of own) {
      const [mark, colour] = MARKS[level];
      const shown = colours ? `\u001b[${colour}m${mark}\u001b[0m` : mark;
      // What the component itself would say has its advice in it, and a full stop at its end.
      lines.push(...wrap(text.replace(/\.$/, ''), width, `  ${shown} `, '    '));
      if (advice !== undefined) lines.push(...wrap(advice, width, '    → ', '      '));
    }
  }
  return `${lines.slice(1).join('\n')}\n\n${summary(findings)}\n`;
}

function summary(findings: readonly Finding[]): string {
  const count = (level: Level, one: string, several: string) => {
    const { length } = findings.filter((finding) => finding.level === level);
    return length === 0 ? [] : [`${length} ${length === 1 ? one : several}`];
  };
  const parts = [
    ...count('problem', '✗ problem', '✗ problems'),
    ...count('warning', '! warning', '! warnings'),
    ...count('unknown', '? thing that only you can see', '? things that only you can see'),
  ];
  return parts.length === 0 ? 'All is well.' : `${parts.join(', ')}.`;
}

function wrap(text: string, width: number, first: string, others: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && others.length + line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].map((part, i) => (i === 0 ? first : others) + part);
}

function bold(text: string, colours: boolean): string {
  return colours ? `\u001b[1m${text}\u001b[0m` : text;
}
