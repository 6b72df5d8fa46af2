/** What the page shows of the proxy; its /metrics have the words for each. */
export interface Figures {
  readonly pending: number | null;
  readonly counted: Readonly<Record<(typeof COUNTED)[number], number>>;
  /** Jobs in each queue, done ones left out; null while Redis does not answer. */
  readonly queues: Readonly<Record<(typeof QUEUES)[number], number>> | null;
  /** Sums (seconds) and counts of the two histograms, since the process began. */
  readonly stored: Timing;
  readonly delivered: Timing;
}

interface Timing {
  readonly sum: number;
  readonly count: number;
}

const COUNTED = [
  'accepted',
  'delivered',
  'redelivered',
  'duplicates',
  'expired',
  'unconfirmed',
  'rejected',
  'gate_unheld',
] as const;
const QUEUES = ['redelivery', 'expiry', 'undelivered'] as const;
/** ms */
const TIMEOUT = 900;

/** @returns undefined if the proxy does not answer in time */
export async function readFigures(proxy: string): Promise<Figures | undefined> {
  try {
    const [metrics, queues] = await Promise.all([ask(`${proxy}/metrics`), readQueues(proxy)]);
    return { ...parseMetrics(await metrics.text()), queues };
  } catch {
    return undefined;
  }
}

function parseMetrics(text: string): Omit<Figures, 'queues'> {
  const value = (name: string) => {
    const found = new RegExp(`^openfire_receipts_${name} (\\S+)$`, 'm').exec(text)?.[1];
    return found === undefined ? null : Number(found);
  };
  const timing = (name: string) => ({
    sum: value(`${name}_seconds_sum`) ?? 0,
    count: value(`${name}_seconds_count`) ?? 0,
  });
  return {
    pending: value('pending'),
    counted: Object.fromEntries(COUNTED.map((name) => [name, value(`${name}_total`) ?? 0])) as Figures['counted'],
    stored: timing('time_to_stored'),
    delivered: timing('time_to_delivered'),
  };
}

async function readQueues(proxy: string): Promise<Figures['queues']> {
  try {
    const { queues } = (await (await ask(`${proxy}/queues/api/queues`)).json()) as {
      queues: { name: string; counts: Record<string, number> }[];
    };
    const jobs = (name: string) => {
      const { completed, ...counts } = queues.find((queue) => queue.name === name)?.counts ?? {};
      return Object.values(counts).reduce((sum, count) => sum + count, 0);
    };
    return Object.fromEntries(QUEUES.map((name) => [name, jobs(name)])) as Figures['queues'];
  } catch {
    return null;
  }
}

function ask(url: string): Promise<Response> {
  return fetch(url, { signal: AbortSignal.timeout(TIMEOUT) });
}
