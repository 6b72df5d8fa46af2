import type { Context } from 'hono';
import { languageOf } from './words/asked-language.ts';
import { conditionIn } from './words/conditions.ts';
import { translator } from './words/language.ts';

/** What the page for who has not signed in says, in his language. */
export function frontWords(c: Context) {
  const language = languageOf(c);
  const t = translator(language);
  return {
    language,
    about: t('front'),
    ready: t('ready'),
    notReady: t('notReady'),
    links: {
      now: t('front_now'),
      queues: t('front_queues'),
      readyz: t('front_readyz'),
      healthz: t('front_healthz'),
      metrics: t('front_metrics'),
    },
    condition: (text: string) => conditionIn(language, text),
  };
}
