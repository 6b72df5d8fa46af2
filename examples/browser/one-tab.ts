/**
 * Runs `start` in one tab of a site at a time: in the first, and when that is closed or crashes in the next. Two tabs with one
 * account would both send what the store has.
 *
 * @param start connects; what it returns is called when `signal` is aborted
 */
export async function inOneTab(start: () => Promise<() => Promise<void>>, signal: AbortSignal): Promise<void> {
  await navigator.locks.request('openfire-receipts', { signal }, async () => {
    const stop = await start();
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    await stop();
  });
}
