interface Started {
  stop(): unknown;
}

/** What is started at the same time: all of it, or nothing that would go on by itself when one does not start. */
export async function allOrNone<T extends readonly Started[]>(
  starting: {
    readonly [K in keyof T]: Promise<T[K]>;
  },
): Promise<T> {
  const settled = await Promise.allSettled<Started>(starting);
  const failure = settled.find((one) => one.status === 'rejected');
  const started = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  if (failure === undefined) return started as unknown as T;
  await Promise.all(started.map((one) => one.stop()));
  throw failure.reason;
}
