import { writeFileSync } from 'node:fs';
import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Relay } from '../../tests/support/peer/relay.ts';
import { World } from '../../tests/support/stages/world.ts';
import { until } from '../../tests/support/time/until.ts';
import { readFlags } from '../../tools/flags.ts';
import { type Kind, person } from '../loss/people.ts';
import { Punctual, startMiddleman } from './article.ts';

const flags = readFlags('npm run measure:traffic --', 'stanzas and octets a message, with the component and without', {
  quick: { type: 'boolean', default: false, about: 'a smoke test: short, and writes nothing' },
});

interface Way {
  readonly name: string;
  /** `article`: see article.ts. */
  readonly kind: (Kind & { readonly proxy: boolean }) | 'article';
}

const stock = { streamManagement: false, receipts: false, library: false, proxy: false };
const library = { streamManagement: true, receipts: true, library: true, proxy: true };
const WAYS: readonly Way[] = [
  { name: 'plain chat', kind: stock },
  { name: 'XEP-0184', kind: { ...stock, receipts: true } },
  { name: 'XEP-0198 alone', kind: { ...stock, streamManagement: true } },
  { name: 'eight steps, a stanza each', kind: 'article' },
  { name: 'proxy, stock clients', kind: { ...stock, receipts: true, proxy: true } },
  { name: 'proxy and library, unbatched', kind: { ...library, batch: false } },
  { name: 'proxy and library, batched', kind: library },
];

/** Messages a second, and how many. */
const PACES: readonly (readonly [perSecond: number, messages: number])[] = flags.quick
  ? [[100, 50]]
  : [
      [1, 15],
      [10, 80],
      [100, 500],
    ];
const TEXT = 'See you at the station at half past seven, then?';
/** ms in which what a last message has caused has come: batches are 200 ms late twice, XEP-0198 asks within 250. */
const QUIET = 1500;

/** Bytes a message on the clients' connections. */
interface Bytes {
  readonly fromSender: number;
  readonly toSender: number;
  readonly toRecipient: number;
  readonly fromRecipient: number;
}

interface End {
  readonly relay: Relay;
  write(to: string, id: string, text: string): Promise<void>;
  close(): Promise<void>;
}

let cells = 0;

async function measure(world: World, { kind }: Way, [perSecond, messages]: (typeof PACES)[number]): Promise<Bytes> {
  cells += 1;
  const [first, second] = [`alice${cells}`, `bob${cells}`];
  const { domain, componentDomain } = world.xmpp;
  const to = `${second}@${kind !== 'article' && kind.proxy ? componentDomain : domain}`;
  let alice: End;
  let bob: End;
  let ended: (id: string, text: string) => Promise<void>;
  if (kind === 'article') {
    const [one, other] = [await Punctual.login(world, first), await Punctual.login(world, second)];
    ended = (id) => one.heardOf(id);
    [alice, bob] = [one, other];
  } else {
    const [one, other] = [await person(world, first, 'r', kind), await person(world, second, 'r', kind)];
    ended = async (id, text) => {
      const done = () => (kind.receipts ? one.settled(id) : other.seen.includes(text));
      await until(done, { within: 20_000, what: id });
    };
    [alice, bob] = [one, other];
  }
  // Before it counts, each side has learned what the other can.
  for (let i = 0; i < 5; i += 1) {
    const text = `${i}: ${TEXT}`;
    await alice.write(to, `before-${i}`, text);
    await ended(`before-${i}`, text);
  }
  await sleep(QUIET);
  const before = { sender: { ...alice.relay.bytes }, recipient: { ...bob.relay.bytes } };
  const start = Date.now();
  for (let i = 0; i < messages; i += 1) {
    await sleep(Math.max(0, start + (i * 1000) / perSecond - Date.now()));
    // As long as the ids that clients make.
    await alice.write(to, crypto.randomUUID(), `${String(i).padStart(4, '0')}: ${TEXT}`);
  }
  await alice.write(to, 'the-last', 'The last');
  await ended('the-last', 'The last');
  await sleep(QUIET);
  const [sender, recipient] = [alice.relay.bytes, bob.relay.bytes];
  const each = (bytes: number) => bytes / (messages + 1);
  const result = {
    fromSender: each(sender.up - before.sender.up),
    toSender: each(sender.down - before.sender.down),
    toRecipient: each(recipient.down - before.recipient.down),
    fromRecipient: each(recipient.up - before.recipient.up),
  };
  await Promise.all([alice.close(), bob.close()]);
  return result;
}

const total = ({ fromSender, toSender, toRecipient, fromRecipient }: Bytes) =>
  fromSender + toSender + toRecipient + fromRecipient;

function markdown(measured: ReadonlyMap<string, readonly Bytes[]>): string {
  const line = (cells: readonly (string | number)[]) =>
    `| ${cells.map((cell) => (typeof cell === 'number' ? Math.round(cell).toLocaleString('en') : cell)).join(' | ')} |`;
  const table = (head: readonly string[], rows: readonly (readonly (string | number)[])[]) =>
    [line(head), line(head.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
  const ways = [...measured];
  const split = PACES.map(([perSecond], i) => {
    const rows = ways.map(([name, all]) => {
      const { fromSender, toSender, toRecipient, fromRecipient } = all[i] as Bytes;
      return [name, fromSender, toSender, toRecipient, fromRecipient, total(all[i] as Bytes)];
    });
    const head = ['', 'sender sends', 'sender gets', 'recipient gets', 'recipient sends', 'together'];
    return `## ${perSecond} message${perSecond === 1 ? '' : 's'} a second\n\n${table(head, rows)}`;
  });
  const summary = table(
    ['bytes a message', ...PACES.map(([perSecond]) => `${perSecond}/s`)],
    ways.map(([name, all]) => [name, ...all.map(total)]),
  );
  return `# Bytes on the wire

Written by \`npm run measure:traffic\`; figures as measured. ${new Date().toISOString().slice(0, 10)}, Prosody, Node ${process.versions.node} on ${os.type()}.

Bytes a message on the two clients' connections, both directions, above TCP, without TLS and compression. The text has
${TEXT.length + 6} characters and is the same length throughout; logins do not count. What the link between server and proxy carries is not
in it, as it costs no phone anything. A stanza that travels alone is a packet alone: some 40 to 90 bytes more with TCP, IP
and TLS.

${summary}

- *Eight steps*: a message, the forward, the receipt and its forward, each with an acknowledgement in a stanza of its own:
  what a design costs that saves nothing.
- *Library*: with XEP-0198, as it runs by default; an \`origin-id\` in each message. Unbatched is \`batch: false\`.
- *Batched*: one stanza has the receipts and acknowledgements of 200 ms, so that it saves with the pace of a conversation;
  a message that is delivered within that time needs no acknowledgement beside its receipt. It costs 40 bytes in each
  message, which say that its sender takes that, and an answer to each batch: at a message a second as much as it saves.

${split.join('\n\n')}
`;
}

const users: Record<string, string> = {};
for (let i = 1; i <= WAYS.length * PACES.length; i += 1)
  for (const name of ['alice', 'bob']) users[`${name}${i}`] = 'pw';
const world = await World.open({ users });
const stop = () => world.close();
process.once('SIGINT', () => void stop().finally(() => process.exit(130)));
process.once('SIGTERM', () => void stop().finally(() => process.exit(143)));
const measured = new Map<string, Bytes[]>();
const say = (text: string) => process.stdout.write(`${text}\n`);
try {
  await world.startProxy();
  const middleman = await startMiddleman(world);
  for (const way of WAYS) {
    const all: Bytes[] = [];
    for (const pace of PACES) {
      all.push(await measure(world, way, pace));
      say(`${way.name}, ${pace[0]}/s: ${Math.round(total(all.at(-1) as Bytes))} bytes a message`);
    }
    measured.set(way.name, all);
  }
  await middleman.stop();
} finally {
  await stop();
}
if (flags.quick) say(markdown(measured));
else writeFileSync(new URL('../../docs/traffic.md', import.meta.url), markdown(measured));
