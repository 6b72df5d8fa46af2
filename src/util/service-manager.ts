import { spawn } from 'node:child_process';

/**
 * Tells systemd something (sd_notify), where it has started this process with Type=notify. By its own program, since Node.js
 * has no datagrams on local sockets; where there is none, nothing is told.
 *
 * @param words such as `READY=1`, `STOPPING=1`, `STATUS=…`
 */
export function tellServiceManager(...words: string[]): void {
  if (!process.env.NOTIFY_SOCKET) return;
  const child = spawn('systemd-notify', words, { stdio: 'ignore' });
  child.on('error', () => {});
  child.unref();
}
