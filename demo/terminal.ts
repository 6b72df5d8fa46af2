import { setTimeout as sleep } from 'node:timers/promises';

export type Speaker = 'redis' | 'server' | 'proxy' | 'alice' | 'bob' | 'carol';
type Mark = 'stored' | 'delivered' | 'failed' | 'again';

export interface LineOptions {
  readonly mark?: Mark;
  /** When it was observed, which may be a little before it is told; ms since the epoch. */
  readonly at?: number;
}

const MARKS = { stored: '✓', delivered: '✓✓', failed: '✗', again: '↻' } as const satisfies Record<Mark, string>;

/** SGR codes. */
const STYLES = {
  bold: 1,
  dim: 2,
  redis: 2,
  server: 2,
  proxy: 34,
  alice: 36,
  bob: 35,
  carol: 33,
  stored: 32,
  delivered: 32,
  failed: 31,
  again: 33,
} as const;
type Style = keyof typeof STYLES;

/** Between two lines, for a reader, ms. */
const GAP = 600;
const CHAPTER_GAP = 1000;
const NARROWEST = 50;
const WIDEST = 100;

export interface TerminalOptions {
  /** Whether somebody reads along, whom the lines should give time. */
  readonly paced: boolean;
  readonly out?: NodeJS.WriteStream;
}

/** Tells a story in columns: when, who, what. Marks and colours only where they are seen as such. */
export class Terminal {
  readonly #out: NodeJS.WriteStream;
  readonly #paced: boolean;
  readonly #symbols: boolean;
  readonly #colours: boolean;
  readonly #startedAt = Date.now();
  #toldAt = 0;

  constructor({ paced, out = process.stdout }: TerminalOptions) {
    this.#out = out;
    this.#paced = paced;
    this.#symbols = out.isTTY === true && process.env.TERM !== 'dumb';
    // https://no-color.org: set and not empty.
    this.#colours = this.#symbols && !process.env.NO_COLOR;
  }

  /** Tells what was observed. Resolves when it is told, which is a little after the line before. */
  async line(who: Speaker, text: string, { mark, at = Date.now() }: LineOptions = {}): Promise<void> {
    await this.#pace(GAP);
    const time = `${((at - this.#startedAt) / 1000).toFixed(2)}s`.padStart(8);
    const sign = this.#symbols ? `${this.#styled((mark ? MARKS[mark] : '').padEnd(2), mark)}  ` : '';
    const indent = 8 + 2 + 6 + 2 + (this.#symbols ? 4 : 0);
    const [first, ...others] = wrap(text, this.#width - indent);
    const left = `${this.#styled(time, 'dim')}  ${this.#styled(who.padEnd(6), who)}  `;
    this.#write([`${left}${sign}${first}`, ...others.map((other) => ' '.repeat(indent) + other)]);
  }

  async chapter(title: string): Promise<void> {
    await this.#pace(CHAPTER_GAP);
    this.#write(['', this.#styled(title, 'bold')]);
  }

  /** Lines as they are. Arrows and box lines become what every terminal and file can show. */
  async block(lines: readonly string[]): Promise<void> {
    await this.#pace(GAP);
    this.#write(
      this.#symbols
        ? lines
        : lines.map((line) =>
            line
              .replaceAll('─', '-')
              .replaceAll('▶', '>')
              .replaceAll('│', '|')
              .replaceAll('▼', 'v')
              .replaceAll('▲', '^'),
          ),
    );
  }

  async table(rows: readonly (readonly [string, number, string])[]): Promise<void> {
    const [names, numbers] = [rows.map(([name]) => name.length), rows.map(([, value]) => String(value).length)];
    const [nameWidth, numberWidth] = [Math.max(...names), Math.max(...numbers)];
    await this.block(
      rows.map(([name, value, about]) => {
        const number = this.#styled(String(value).padStart(numberWidth), 'bold');
        return `  ${name.padEnd(nameWidth)}  ${number}  ${this.#styled(about, 'dim')}`;
      }),
    );
  }

  get #width(): number {
    // 0 where the terminal does not know.
    return Math.max(NARROWEST, Math.min(this.#out.columns || 80, WIDEST));
  }

  async #pace(gap: number): Promise<void> {
    const wait = this.#toldAt + gap - Date.now();
    if (this.#paced && wait > 0) await sleep(wait);
    this.#toldAt = Date.now();
  }

  #styled(text: string, style: Style | undefined): string {
    return this.#colours && style !== undefined ? `\x1b[${STYLES[style]}m${text}\x1b[0m` : text;
  }

  #write(lines: readonly string[]): void {
    this.#out.write(`${lines.map((line) => line.trimEnd()).join('\n')}\n`);
  }
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
