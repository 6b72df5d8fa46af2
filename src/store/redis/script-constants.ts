const LITERAL = String.raw`(?:\d[\w.]*|'(?:\\.|[^'\\])*')`;
const CONSTANTS = new RegExp(`^local ([A-Z_]+(?:, [A-Z_]+)*) = (${LITERAL}(?:, ${LITERAL})*)$`, 'gm');
const LITERALS = new RegExp(LITERAL, 'g');
/** Comments and texts, in which nothing is a name; or a name that is no member. */
const NAMES = /--.*|'(?:\\.|[^'\\])*'|(?<![\w.:])[A-Z_]+\b/g;

/**
 * The same text of a script with numbers and texts in the place of names for them (`local NAME = 1`, on a line by itself): each function that takes a name from
 * around it is made more slowly for that, at every call, and may take no more than 60.
 *
 * @throws Error when a name stands for two of them
 */
export function withConstants(text: string): string {
  const known = new Map<string, string>();
  const rest = text.replace(CONSTANTS, (_, names: string, values: string) => {
    const literals = values.match(LITERALS) as string[];
    for (const [place, name] of names.split(', ').entries()) {
      const value = literals[place] as string;
      if ((known.get(name) ?? value) !== value) throw new Error(`Two parts of a script mean something else by ${name}`);
      known.set(name, value);
    }
    return '';
  });
  return rest.replace(NAMES, (name) => {
    const value = known.get(name);
    return value === undefined ? name : value.startsWith("'") ? `(${value})` : value;
  });
}
