import type { Addressing } from '../servers.ts';

export type { Addressing };

const KEY = 'demo:address';
const listeners = new Set<(addressing: Addressing) => void>();

export function addressing(): Addressing {
  const usual = document.querySelector<HTMLMetaElement>('meta[name=addressing]')?.content;
  return chosen() ?? (usual === 'component' ? 'component' : 'own');
}

/** For the page and, by their storage event, for its windows. */
export function choose(to: Addressing): void {
  localStorage.setItem(KEY, to);
  for (const listener of listeners) listener(to);
}

export function onChoice(listener: (addressing: Addressing) => void): void {
  listeners.add(listener);
}

function chosen(): Addressing | undefined {
  const kept = localStorage.getItem(KEY);
  return kept === 'own' || kept === 'component' ? kept : undefined;
}

window.addEventListener('storage', ({ key }) => {
  const now = chosen();
  if (key === KEY && now !== undefined) for (const listener of listeners) listener(now);
});
