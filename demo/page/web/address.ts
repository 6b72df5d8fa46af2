import type { Addressing } from '../servers.ts';

export type { Addressing };

/** By which address the two write to each other in this demo. */
export const addressing: Addressing =
  document.querySelector<HTMLMetaElement>('meta[name=addressing]')?.content === 'component' ? 'component' : 'own';
