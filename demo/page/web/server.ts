import type { Figures } from '../figures.ts';
import type { Health, Life, Name } from '../servers.ts';

export type { Figures, Health, Life, Name };

export interface Account {
  readonly username: Name;
  readonly password: string;
  readonly domain: string;
  readonly component: string;
  /** The XMPP server's WebSocket. */
  readonly service: string;
  /** Another for each start of the demo: what is kept in the browser belongs to one. */
  readonly run: string;
}

const token = document.querySelector<HTMLMetaElement>('meta[name=token]')?.content ?? '';

/** Rejects when the demo's server does not answer, or not with what was asked for. */
async function ask<T>(path: string, method = 'GET'): Promise<T> {
  const response = await fetch(`/api/${path}`, { method, headers: { 'x-demo-token': token } });
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
  return (await response.json()) as T;
}

export const server = {
  account: (name: string) => ask<Account>(`person/${name}`),
  figures: () => ask<Health & { readonly figures: Figures | null }>('figures'),
  life: async (from: Name, to: Name, id: string) =>
    (await ask<{ life: Life | null }>(`life/${from}/${to}/${encodeURIComponent(id)}`)).life,
  hurt: (what: string) => ask<Health>(what, 'POST'),
};
