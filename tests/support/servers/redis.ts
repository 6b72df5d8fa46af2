import net from 'node:net';
import path from 'node:path';
import { answers, freePorts } from '../process/ports.ts';
import { startServer, type TemporaryServer } from '../process/temporary-server.ts';

export interface RedisOptions {
  /** As the proxy wants it, by default. */
  readonly appendonly?: boolean;
  readonly appendfsync?: 'always' | 'everysec' | 'no';
  readonly maxmemoryPolicy?: string;
  /** A cluster of one node that has all slots. */
  readonly cluster?: boolean;
  /** In cluster mode, and not yet of any cluster. */
  readonly clusterNode?: boolean;
  readonly port?: number;
  /** Another server that speaks the same protocol; by default redis-server. */
  readonly program?: string;
  /** Further settings, by name. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Keeps its data here, and leaves them. */
  readonly dir?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Of the default user, where `settings` ask for one. */
  readonly password?: string;
}

export interface RedisServer extends TemporaryServer {
  readonly url: string;
  /** The same server by its Unix socket. */
  readonly socketUrl: string;
  readonly port: number;
  /** Where nodes of a cluster talk to each other. */
  readonly busPort: number;
}

export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const [free, bus] = (await freePorts(2)) as [number, number];
  const port = options.port ?? free;
  const settings: Record<string, string> = {
    port: String(port),
    bind: '127.0.0.1',
    appendonly: options.appendonly === false ? 'no' : 'yes',
    appendfsync: options.appendfsync ?? 'everysec',
    save: '',
    'maxmemory-policy': options.maxmemoryPolicy ?? 'noeviction',
    loglevel: 'warning',
    daemonize: 'no',
    ...options.settings,
  };
  if (options.cluster || options.clusterNode) {
    Object.assign(settings, {
      'cluster-enabled': 'yes',
      'cluster-port': String(bus),
      'cluster-announce-ip': '127.0.0.1',
    });
  }
  let socket = '';
  const server = await startServer({
    name: 'redis',
    program: options.program ?? 'redis-server',
    folder: options.dir,
    ...(options.env !== undefined && { env: options.env }),
    prepare: async (folder) => {
      socket = path.join(folder, 'redis.sock');
      const all = { unixsocket: socket, ...settings, dir: folder };
      return Object.entries(all).flatMap(([name, value]) => [`--${name}`, value]);
    },
    isReady: async () => {
      // An error while it still reads its data is an answer as well, and not this one.
      const { password } = options;
      const login = password === undefined ? '' : `AUTH ${password}\r\n`;
      if (!(await answers(port, `${login}PING\r\n`, /^\+PONG/m))) return false;
      return !options.cluster || answers(port, 'CLUSTER ADDSLOTSRANGE 0 16383\r\nCLUSTER INFO\r\n', /cluster_state:ok/);
    },
  });
  return Object.assign(server, { url: `redis://127.0.0.1:${port}`, socketUrl: `unix://${socket}`, port, busPort: bus });
}

/** One command, and the first line of what Redis answers: for a look from outside, with no client library. */
export function askRedis(port: number, command: string, password?: string): Promise<string> {
  return askRedisForAll(port, command, password).then((answer) => answer.split('\r\n')[0] as string);
}

/** The same, with all that has come when the answer begins. */
export function askRedisForAll(port: number, command: string, password?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const login = password === undefined ? '' : `AUTH ${password}\r\n`;
    const socket = net.connect(port, '127.0.0.1', () => socket.write(`${login}${command}\r\n`));
    let heard = '';
    socket.on('error', reject);
    // So does one that becomes a replica, to all its clients; once it has answered this changes nothing.
    socket.on('close', () =>
      reject(new Error(`The Redis at port ${port} has closed the connection without an answer`)),
    );
    socket.on('data', (data) => {
      heard += data.toString();
      const answer = login === '' ? heard : heard.replace(/^\+OK\r\n/, '');
      if (answer === '' || (login !== '' && answer === heard)) return;
      socket.destroy();
      resolve(answer);
    });
  });
}
