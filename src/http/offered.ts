/**
 * What may be pressed in bull-board, and what is not drawn there. Everything else that would change something (pause, empty,
 * obliterate, add, edit ...) breaks what the queues are for, with no sign of it: a pause of the queue library's is not the one
 * that "Pause and resume redelivery" shows, and jobs that are made by hand are no messages. Resume is there for what was paused
 * by other means.
 */
const MAY_CHANGE = [
  /^\/api\/queues\/[^/]+\/[^/]+\/(retry|promote|clean)$/,
  /^\/api\/queues\/[^/]+\/(promote|resume|retry\/failed|clean\/[a-z-]+)$/,
  /^\/api\/queues\/resume$/,
];
const READING = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Whether a request is answered; `path` is the one below the dashboard's. */
export function isOffered(method: string, path: string): boolean {
  return READING.has(method) || (method === 'PUT' && MAY_CHANGE.some((pattern) => pattern.test(path)));
}

/** For who asks all the same. */
export const REFUSED =
  'Not offered: it would stop or falsify the work of the proxy. To pause redelivery, use the command "Pause and resume redelivery" (docs/commands.md).';

// bull-board has no switch for single buttons; what each does is known by its icon, in every language.
const MENU_ITEMS = ['plus', 'pause', 'chart-no-axes-gantt', 'gauge', 'trash-2', 'ban'];
const JOB_ACTIONS = ['files', 'pencil', 'clock', 'arrow-up-down', 'list-x'];
/** Of a queue's details, and of a rate limit that holds. */
const OTHERS = ['pencil', 'gauge'];
// A `:has()` within a `:has()` is no CSS.
const having = (parent: string, path: string, names: readonly string[]) =>
  `${parent}:has(${names.map((name) => `> ${path}.lucide-${name}`).join(', ')})`;
const REFUSED_ONES = [
  having('[role=menuitem]', '', MENU_ITEMS),
  having('li', 'span > button > ', JOB_ACTIONS),
  having('button', '', OTHERS),
];

/** Hides the buttons that are refused. A menu that has no other says so. */
export const STYLE = `<style>
${REFUSED_ONES.join(', ')} { display: none !important }
[role=menu]:has(.lucide-ban):not(:has(.lucide-refresh-cw, .lucide-play))::after {
  content: "Nothing to do here"; display: block; padding: 0.5rem 1rem; color: var(--muted-foreground);
}
</style>`;
