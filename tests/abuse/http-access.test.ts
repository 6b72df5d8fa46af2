import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { Network } from '../../demo/page/relay.ts';
import { isSameText, LoginThrottle } from '../../src/http/login-throttle.ts';
import { type HttpServer, startHttp } from '../../src/http/server.ts';
import { Metrics } from '../../src/metrics/metrics.ts';

/** The demo's websocket (row 11), and the password of the dashboard. */
describe('the demo’s websocket', () => {
  const OWN = 'http://127.0.0.1:1234';
  let server: net.Server;
  let network: Network;
  let reached: string;

  beforeEach(async () => {
    reached = '';
    server = net.createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (data) => {
        reached += data.toString();
        socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n');
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    network = await Network.to((server.address() as net.AddressInfo).port);
    network.origins = [OWN];
  });
  afterEach(async () => {
    await network.close();
    server.close();
  });

  /** The first line of the answer. */
  async function asks(headers: string, chunks = 1): Promise<string> {
    const request = `GET /xmpp-websocket HTTP/1.1\r\nhost: 127.0.0.1:1\r\n${headers}upgrade: websocket\r\n\r\n`;
    const socket = net.connect(network.port, '127.0.0.1');
    const size = Math.ceil(request.length / chunks);
    for (let i = 0; i < request.length; i += size) {
      socket.write(request.slice(i, i + size));
      await new Promise((resolve) => setImmediate(resolve));
    }
    const [answer] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    return answer.toString().split('\r\n')[0] as string;
  }

  test.each([
    ['another site', 'origin: https://evil.example\r\n'],
    ['another port', 'origin: http://127.0.0.1:1235\r\n'],
    ['a name that begins like ours', `origin: ${OWN}.evil.example\r\n`],
    ['a sandboxed page', 'origin: null\r\n'],
    ['nobody', ''],
    ['two', `origin: ${OWN}\r\norigin: https://evil.example\r\n`],
    ['another, with ours in a header of its own', `x-origin: ${OWN}\r\n`],
  ])('is not for %s', async (_, headers) => {
    expect(await asks(headers)).toBe('HTTP/1.1 403 Forbidden');
    expect(reached).toBe('');
  });

  test('is for the page itself, in whatever pieces it asks', async () => {
    expect(await asks(`Origin: ${OWN}\r\n`)).toBe('HTTP/1.1 101 Switching Protocols');
    expect(await asks(`origin:${OWN}\r\n`, 7)).toBe('HTTP/1.1 101 Switching Protocols');
    expect(reached).toContain('upgrade: websocket\r\n\r\n');
  });

  test('keeps no head that does not end', async () => {
    expect(await asks(`origin: ${OWN}\r\nx: ${'x'.repeat(100_000)}\r\n`)).toBe('HTTP/1.1 403 Forbidden');
  });
});

describe('a guesser', () => {
  let now = 0;
  let guesses: LoginThrottle;
  beforeEach(() => {
    now = 1000;
    guesses = new LoginThrottle(() => now);
  });

  test('may mistype a few times, and then waits longer and longer, up to a minute', () => {
    const waits = Array.from({ length: 14 }, () => {
      guesses.failed('10.0.0.1');
      return guesses.waitOf('10.0.0.1');
    });
    expect(waits).toEqual([0, 0, 0, 0, 0, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
    expect(guesses.waitOf('10.0.0.2')).toBe(0);
    now += 60_000;
    expect(guesses.waitOf('10.0.0.1')).toBe(0);
  });

  test('has fewer than 1,500 tries a day', () => {
    let tries = 0;
    for (const end = now + 86_400_000; now < end; ) {
      guesses.failed('10.0.0.1');
      tries += 1;
      now += Math.max(1, guesses.waitOf('10.0.0.1'));
    }
    expect(tries).toBeLessThan(1500);
  });

  test('is not another one for each address of his network', () => {
    for (let i = 0; i < 6; i += 1) guesses.failed(`2001:db8:0:1::${i}`);
    expect(guesses.waitOf('2001:db8::1:0:0:0:9')).toBe(1000);
    expect(guesses.waitOf('2001:db8:0:2::1')).toBe(0);
  });

  test('is forgotten after the right password, or a while', () => {
    for (let i = 0; i < 6; i += 1) guesses.failed('10.0.0.1');
    guesses.succeeded('10.0.0.1');
    expect(guesses.waitOf('10.0.0.1')).toBe(0);
    for (let i = 0; i < 6; i += 1) guesses.failed('10.0.0.1');
    now += 16 * 60_000;
    guesses.failed('10.0.0.1');
    expect(guesses.waitOf('10.0.0.1')).toBe(0);
  });

  test('from a million addresses fills no memory', () => {
    for (let i = 0; i < 50_000; i += 1) guesses.failed(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
    expect(guesses.size).toBeLessThanOrEqual(10_000);
  });

  test('learns nothing by how long it takes: texts are compared whole', () => {
    expect(isSameText('secret', 'secret')).toBe(true);
    for (const other of ['', 's', 'secreT', 'secret ', 'secretsecret']) expect(isSameText('secret', other)).toBe(false);
  });

  test('is answered 429 by the dashboard, also with the right password, and however many he asks at once', async () => {
    const warnings: string[] = [];
    const log = { info: () => {}, warn: (_: object, text: string) => warnings.push(text), error: () => {} };
    const config = { host: '127.0.0.1', port: 0, user: 'admin', password: 'right' };
    const readiness = () => ({ ready: true, problems: [] });
    const server: HttpServer = await startHttp({
      config,
      queues: [],
      metrics: new Metrics(),
      readiness,
      log,
      loginThrottle: guesses,
    });
    try {
      const ask = (password?: string) =>
        new Promise<[status: number | undefined, retryAfter: string | undefined]>((resolve, reject) => {
          const headers: Record<string, string> =
            password === undefined
              ? {}
              : { authorization: `Basic ${Buffer.from(`admin:${password}`).toString('base64')}` };
          http
            .get(`${server.url}/queues`, { headers, agent: false }, (response) => {
              response.resume();
              resolve([response.statusCode, response.headers['retry-after']]);
            })
            .on('error', reject);
        });
      const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => ask(`wrong-${i}`)));
      expect(answers.filter(([status]) => status === 401)).toHaveLength(6);
      expect(answers.filter(([status]) => status === 429)).toHaveLength(34);
      const [status, retryAfter] = await ask('right');
      expect(status).toBe(429);
      expect(Number(retryAfter)).toBeGreaterThanOrEqual(1);
      // Whoever has no password yet is asked for one, and /healthz is nobody's secret.
      expect((await ask())[0]).toBe(401);
      expect(warnings).toEqual(Array(6).fill('Dashboard: wrong name or password'));
    } finally {
      await server.close();
    }
  });
});
