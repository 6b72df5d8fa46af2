type Props = Readonly<Record<string, string>>;

/** An element with attributes and children. */
export function h<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Props = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** Of the page's own HTML. */
export function find<T extends Element = HTMLElement>(selector: string, within: ParentNode = document): T {
  const found = within.querySelector<T>(selector);
  if (found === null) throw new Error(`The page has no ${selector}`);
  return found;
}

const SHAPES = {
  queued: 'M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2M8 5v3l2 2',
  sent: 'M2 8h11M9 4l4 4-4 4',
  stored: 'M3 8.5l3.5 3.5L13 5',
  delivered: 'M1 8.5 4.500 12 11 5M8.500 12 15 5',
  failed: 'M8 3v6M8 12.500v.1',
} as const;
export type Shape = keyof typeof SHAPES;

const SVG = 'http://www.w3.org/2000/svg';

/** A sign beside words that say the same. */
export function sign(shape: Shape): SVGSVGElement {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('aria-hidden', 'true');
  svg.setAttribute('class', 'sign');
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', SHAPES[shape]);
  svg.append(path);
  return svg;
}
