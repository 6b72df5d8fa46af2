import { gateSettings } from './gate-settings.ts';
import { messageSettings } from './message-settings.ts';
import { processSettings } from './process-settings.ts';
import { quotaSettings } from './quota-settings.ts';
import { serverSettings } from './server-settings.ts';
import type { Setting } from './setting.ts';
import type { Value } from './values.ts';

/** All that can be set. `.env.example` and docs/configuration.md are made from it, by `npm run docs`. */
export const SETTINGS = {
  ...serverSettings,
  ...gateSettings,
  ...messageSettings,
  ...quotaSettings,
  ...processSettings,
} as const satisfies Record<string, Setting>;

export type Name = keyof typeof SETTINGS;

export const NAMES = Object.keys(SETTINGS) as Name[];

type Read<S extends Setting> = S extends { value: Value<infer T> } ? T : never;

type Given<S extends Setting> = S extends { required: true } | { default: string } ? Read<S> : Read<S> | undefined;

/** What was read, by variable. */
export type Values = { readonly [N in Name]: Given<(typeof SETTINGS)[N]> };
