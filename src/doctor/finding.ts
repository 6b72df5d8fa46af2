/** `unknown`: it cannot be seen from here; the text says where to look. */
export type Level = 'ok' | 'problem' | 'warning' | 'unknown';

export const AREAS = ['Process', 'Redis', 'XMPP server', 'Gate', 'Clients'] as const;

/** One thing that was looked at. */
export interface Finding {
  readonly area: (typeof AREAS)[number];
  /** For programs; it does not change with the words. */
  readonly id: string;
  readonly level: Level;
  /** What was found, a sentence without its end. */
  readonly text: string;
  /** What to do about it, or where to look. */
  readonly advice?: string;
}

/** Collects the findings of one area. */
export class Findings {
  readonly all: Finding[] = [];
  readonly #area: Finding['area'];

  constructor(area: Finding['area']) {
    this.#area = area;
  }

  ok(id: string, text: string): void {
    this.#add('ok', id, text);
  }

  problem(id: string, text: string, advice?: string): void {
    this.#add('problem', id, text, advice);
  }

  warning(id: string, text: string, advice?: string): void {
    this.#add('warning', id, text, advice);
  }

  unknown(id: string, text: string, advice?: string): void {
    this.#add('unknown', id, text, advice);
  }

  #add(level: Level, id: string, text: string, advice?: string): void {
    this.all.push({ area: this.#area, id, level, text, ...(advice !== undefined && { advice }) });
  }
}
