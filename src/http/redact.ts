const HIDDEN = /payload|body|stanza|xml|secret|password/i;
const REDACTED = '[redacted]';
// Deeper than any job of ours; what is below is not worth the risk.
const MAX_DEPTH = 8;

/**
 * Hides what users wrote, and secrets, in what the dashboard shows of a job. Jobs have none of it; this is for the day
 * when somebody puts it in.
 */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return value.trimStart().startsWith('<') ? REDACTED : value;
  if (typeof value !== 'object' || value === null) return value;
  if (depth === MAX_DEPTH) return REDACTED;
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, HIDDEN.test(key) ? REDACTED : redact(item, depth + 1)]),
  );
}
