/** One line of a histogram, as prom-client's registry prints it. */
interface Sample {
  readonly metricName: string;
  readonly labels: { readonly le?: number | string };
  readonly value: number;
}

/**
 * A histogram without labels, for a prom-client registry. prom-client's own hashes the labels of each value, be there
 * none, which costs many times what counting does; and two values are observed for each message.
 */
export class TimeHistogram {
  readonly type = 'histogram';
  readonly #counts: Float64Array;
  readonly #bounds: readonly number[];
  #sum = 0;

  /** @param buckets upper bounds, ascending */
  constructor(
    readonly name: string,
    readonly help: string,
    buckets: readonly number[],
  ) {
    this.#bounds = buckets;
    this.#counts = new Float64Array(buckets.length + 1);
  }

  /**
   * @param seconds what is negative (a clock was set back) counts as 0
   * @param times how many took so long
   */
  observe(seconds: number, times = 1): void {
    const bounds = this.#bounds;
    let at = 0;
    while (at < bounds.length && seconds > (bounds[at] as number)) at += 1;
    this.#counts[at] = (this.#counts[at] as number) + times;
    if (seconds > 0) this.#sum += seconds * times;
  }

  /** What prom-client's registry asks of a metric. */
  async get(): Promise<{ name: string; help: string; type: 'histogram'; values: Sample[] }> {
    const { name, help, type } = this;
    const values: Sample[] = [];
    let count = 0;
    for (const [at, more] of this.#counts.entries()) {
      count += more;
      values.push({ metricName: `${name}_bucket`, labels: { le: this.#bounds[at] ?? '+Inf' }, value: count });
    }
    values.push({ metricName: `${name}_sum`, labels: {}, value: this.#sum });
    values.push({ metricName: `${name}_count`, labels: {}, value: count });
    return { name, help, type, values };
  }
}
