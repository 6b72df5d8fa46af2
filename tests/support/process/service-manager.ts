import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { findProgram } from './temporary-server.ts';

/** Node.js has no datagrams on local sockets; Debian's Python has. */
const PYTHON = '/usr/bin/python3';
const LISTEN = [
  'import socket, sys',
  's = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)',
  's.bind(sys.argv[1])',
  "print('listening', flush=True)",
  'while True: print(s.recv(4096).decode(), flush=True)',
].join('\n');

/** Whether systemd's program for the notification, and a listener, can be had here. */
export const canNotify = findProgram('systemd-notify') !== undefined && existsSync(PYTHON);

/** Hears what a process tells systemd (sd_notify). */
export class NotifySocket {
  heard = '';
  readonly #child: ChildProcess;

  private constructor(readonly path: string) {
    this.#child = spawn(PYTHON, ['-c', LISTEN, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#child.stdout?.on('data', (text) => {
      this.heard += text;
    });
  }

  static async open(path: string): Promise<NotifySocket> {
    const socket = new NotifySocket(path);
    await once(socket.#child.stdout as NodeJS.ReadableStream, 'data');
    return socket;
  }

  close(): void {
    this.#child.kill('SIGKILL');
  }
}
