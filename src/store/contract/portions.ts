/** How many records one request names at most: a call's size must not depend on how much there is to do. */
const MOST_NAMED = 100;

/** For requests that name records. */
export function inPortions<Each, Made>(all: readonly Each[], make: (portion: readonly Each[]) => Made): Made[] {
  const made: Made[] = [];
  for (let first = 0; first < all.length; first += MOST_NAMED) made.push(make(all.slice(first, first + MOST_NAMED)));
  return made;
}
