// docs/stanzas.md, made from the tables that the proxy goes by. See `npm run docs`.
import { EMBEDDED_ADDRESS_RULES } from '../src/xmpp/stanza/embedded-address-rules.ts';
import { NOT_CONTENT } from '../src/xmpp/stanza/message-content.ts';

/** A stanza that is not passed on. */
interface Refused {
  /** What it is, in words. */
  readonly what: string;
  /** One such stanza, to a proxy of receipts.example.org that serves example.org. The tests send it. */
  readonly example: string;
  /** The error that comes back; empty where nobody is told anything. */
  readonly condition: string;
}

const ALICE = 'alice@example.org/phone';
const BOB = 'bob@receipts.example.org';

const stanza = (name: string, inner: string, attributes: string, to = BOB, from = ALICE) =>
  `<${name} from="${from}" to="${to}" ${attributes}>${inner}</${name}>`;
const BODY = '<body>hello</body>';
const PING = '<ping xmlns="urn:xmpp:ping"/>';

export const REFUSED: readonly Refused[] = [
  {
    what: 'Anything of a user whose domain is neither served nor in `ALLOWED_DOMAINS`',
    example: stanza('message', BODY, 'id="1"', BOB, 'eve@evil.org/x'),
    condition: 'forbidden',
  },
  {
    what: 'the same, a request',
    example: stanza('iq', PING, 'type="get" id="1"', BOB, 'eve@evil.org/x'),
    condition: 'forbidden',
  },
  {
    what: 'Anything to an address that none can have',
    example: stanza('message', BODY, 'id="1"', 'b b@receipts.example.org'),
    condition: 'jid-malformed',
  },
  {
    what: 'A message of type `groupchat`',
    example: stanza('message', BODY, 'type="groupchat" id="1"'),
    condition: 'not-acceptable',
  },
  {
    what: 'A message with content to the component itself',
    example: stanza('message', BODY, 'id="1"', 'receipts.example.org'),
    condition: 'service-unavailable',
  },
  {
    what: 'What is larger than `MAX_STANZA_BYTES`; a reply that is ends as this error too, at the requester',
    example: stanza('iq', `<a xmlns="urn:a">${'x'.repeat(20_000)}</a>`, 'type="get" id="1"'),
    condition: 'policy-violation',
  },
  {
    what: 'What is nested deeper than 64 levels',
    example: stanza('message', `${'<a xmlns="urn:a">'.repeat(70)}${'</a>'.repeat(70)}`, 'id="1"'),
    condition: 'policy-violation',
  },
  {
    what: 'A message with more than 100 receipts (the first 100 count), or more than 8 markers, replies and reactions',
    example: stanza('message', '<displayed xmlns="urn:xmpp:chat-markers:0" id="1"/>'.repeat(9), 'id="1"'),
    condition: 'policy-violation',
  },
  {
    what: 'A message whose id, or a receipt in it, has more than 8,192 bytes; a request whose id has more than 1,024',
    example: stanza('iq', PING, `type="get" id="${'1'.repeat(1025)}"`),
    condition: 'policy-violation',
  },
  {
    what: 'A message whose other attributes (`xml:lang` and what is unknown) have more than 8,192 characters',
    example: stanza('message', '<body>x</body>', `id="1" xml:lang="${'x'.repeat(8192)}"`),
    condition: 'policy-violation',
  },
  {
    what: 'A request without an id, of no type, or without exactly one payload',
    example: stanza('iq', PING + PING, 'type="get" id="1"'),
    condition: 'bad-request',
  },
  {
    what: 'A roster request (`jabber:iq:roster`) to a user: a client could take it for a push of its own server',
    example: stanza('iq', '<query xmlns="jabber:iq:roster"><item jid="x@example.org"/></query>', 'type="set" id="1"'),
    condition: 'service-unavailable',
  },
  {
    what: 'A request of the server itself to a user',
    example: stanza('iq', PING, 'type="get" id="1"', BOB, 'example.org'),
    condition: 'service-unavailable',
  },
  {
    what: 'A reply from another address than was asked, to nothing that was asked, or after the time',
    example: stanza('iq', '', 'type="result" id="1"'),
    condition: '',
  },
  {
    what: 'Anything that comes from a proxied address: it is one of our own, returned by a server',
    example: stanza('message', BODY, 'id="1"', BOB, 'alice@receipts.example.org'),
    condition: '',
  },
];

const cell = (text: string) => text.replaceAll('|', '\\|');

function insideRows(): string[] {
  const rows = new Map<string, { places: string[]; spec: string }>();
  for (const { namespace, element, jids = [], uris = [], spec, why } of EMBEDDED_ADDRESS_RULES) {
    const place = `\`<${element}/>\` ${[...jids, ...uris].map((name) => `\`${name}\``).join(', ')}`;
    const key = `${namespace}\n${spec}\n${why}`;
    const row = rows.get(key) ?? { places: [], spec };
    row.places.push(place);
    rows.set(key, row);
  }
  return [...rows].map(([key, { places, spec }]) => {
    const [namespace = '', , why = ''] = key.split('\n');
    return `| ${places.join('; ')} | \`${namespace}\` | ${spec} | ${cell(why)} |`;
  });
}

export function stanzas(): string {
  return [
    '# What happens to a stanza',
    '',
    '<!-- Made by "npm run docs" from src/xmpp/stanza/embedded-address-rules.ts, src/xmpp/stanza/message.ts and tools/stanzas.ts. -->',
    '',
    'Alice writes to `bob@receipts.example.org`, and bob gets it from `alice@receipts.example.org`. The `from` and `to` of a',
    'stanza are always mapped, resources kept. This page says what else is done.',
    '',
    '## Mapped inside a payload',
    '',
    'Where an address of the two stands in one of these places, it is swapped with the one on the other side; addresses of',
    'third persons stay. It is done in messages, requests, replies and errors, at any depth of what is quoted in a',
    '`<forwarded/>` (XEP-0297), and undone exactly by the way back. An address counts in its usual spelling: in lower case, as',
    'servers write it. `xmpp:` URIs are read as RFC 5122 has them.',
    '',
    '| where | namespace | specification | because otherwise |',
    '|---|---|---|---|',
    ...insideRows(),
    '',
    '## Passed as it is',
    '',
    'Everything else. In particular:',
    '',
    '- **Text that users write**: bodies, subjects, vCards, the values of forms.',
    '- **What is encrypted or signed** (OMEMO, OpenPGP): nothing in it can be mapped. OMEMO needs nothing. XEP-0373 has the',
    '  recipient’s address inside the signed part, and a client that compares it with its own refuses it.',
    '- **`<stanza-id/>`** (XEP-0359 section 3): its `by` says who gave it, and to map it would forge the server’s word.',
    '- **`dstaddr`** of SOCKS5 bytestreams (XEP-0065, XEP-0260): a hash of both addresses, which the two sides see',
    '  differently. Clients find that the direct way fails, and go on with in-band bytestreams (XEP-0047, XEP-0261).',
    '',
    'Text is passed on whole, however the server writes it: a CDATA section, which Openfire passes on as one, becomes the same',
    'text with its characters escaped. Comments and processing instructions, which XMPP forbids (RFC 6120 section 11.1), are',
    'left out should a server let one through, and nothing of what is around them. At a document type the link is closed, so',
    'that no entity is ever expanded.',
    '',
    '## Who is the same person',
    '',
    'An address is compared in the form that the server has of it, since a server prepares what it passes on (RFC 7622; today’s',
    'servers still by RFC 6122 with Unicode 3.2). Two accounts of the server are two users here, however alike a newer Unicode',
    'makes their names.',
    '',
    '| part | folded here | refused with `jid-malformed` |',
    '|---|---|---|',
    '| localpart | ASCII letters | what RFC 7622 section 3.3.1 excludes; spaces, control characters and what is invisible; what has a compatible form (RFC 8264 section 9.17), such as U+1D2E `ᴮob` or full-width letters: to whoever folds it, it is another’s name. Symbols pass where the server lets them |',
    '| resource | nothing | control characters |',
    '| domain | case; IDN to its ASCII form (RFC 5890) | what is no domain, or would be another after more than case and composition |',
    '',
    'What no server prepares is prepared here, by case and composition (RFC 8265 section 3.3), as far as the servers’ Unicode',
    'knows the letters: addresses in `ADMIN_JIDS`, in the forms of commands, and in what a client asks about a message.',
    '`carol\\40other.org` (XEP-0106) is one name, and stands for carol only where `ALLOWED_DOMAINS` names her domain.',
    '',
    '## Tracked, or passed without being tracked',
    '',
    'A message of type `chat` or `normal` with content is stored, acknowledged and sent until it is confirmed. Content is all',
    'that is not on this list: a body, but also a correction, a reaction, a retraction, attention, a file, an invitation, or',
    'what is encrypted. A message with nothing but these is passed on, and not tracked:',
    '',
    ...[...NOT_CONTENT].map(([namespace, what]) => `- ${what}: \`${namespace}\``),
    '- a `<thread/>`',
    '- an OMEMO element without a payload: keys, which nobody sees or confirms',
    '',
    'So does a `headline`, whatever is in it, and an error about nothing that is known.',
    '',
    'When receipts are removed from a message, the rest is passed on only if it has a meaning of its own: a body, a chat',
    'state other than `<active/>`, a marker, a call. Hints, ids, a delay, a thread and the like belong to the receipt, and are',
    'dropped: servers would store an empty message for who is away.',
    '',
    '`<batch xmlns="urn:openfire-receipts:0"/>` is meant for the proxy ([guarantees.md](guarantees.md#batches)), and is removed.',
    '',
    '## Receipts, as they come',
    '',
    '| what | what is done with it |',
    '|---|---|',
    '| `<received id="…"/>` (XEP-0184), with or without a `type`, to a bare or a full address | counts, also beside a message |',
    '| many of them in one stanza | each counts |',
    '| `<received/>` without an `id`, alone in a message with an id | counts for the message of that id, as XEP-0184 1.0 had it; goes on with the `id` |',
    '| the same, beside anything else | does not count, and passes: the id is that of the message |',
    '| one in an `error`: it was returned, since its recipient is not there | does not count |',
    '| one in a `groupchat` | refused with it, does not count |',
    '| one for nothing that is known | passes |',
    '| a marker, a reply or a reaction | [counts for what it points at](guarantees.md#what-is-the-same-message), and passes |',
    '',
    'A message that is sent again bears the time of its first sending in a `<delay/>` (XEP-0203), unless its sender has put one',
    'in: then that is the only one.',
    '',
    '## Requests between users',
    '',
    'A request (IQ `get` or `set`) to a proxied address goes to the served one, under an id of the proxy’s own, and the reply',
    'comes back under the requester’s. To a bare address it goes to the bare address, for which the server answers: vCards, PEP,',
    'disco. A reply counts only from the address that was asked; for a bare one also from its server. A request that gets',
    'no reply within 60 s is answered with `remote-server-timeout`. If the server has handled a request to a bare address of its own and says',
    'nothing for 8 s, the requester gets `service-unavailable`: that account does not exist (Openfire 5.1.1 answers no component then);',
    'unless a session of it is known by its presence. At most 1,000 requests of one user wait at a time, and 20,000 of all; more',
    'are refused with `resource-constraint`, and so are all while Redis is unusable, and what is beyond [a quota](quotas.md).',
    'Requests are not stored or repeated.',
    '',
    '## Refused or ignored',
    '',
    '| what | the sender gets |',
    '|---|---|',
    ...REFUSED.map(({ what, condition }) => `| ${cell(what)} | ${condition === '' ? 'nothing' : `\`${condition}\``} |`),
    '',
    'An error that the proxy gives about a message, at once or days later, has the message’s own `<body/>`, and nothing else',
    'of it: Pidgin and Psi show no error without. Of a body longer than 4,000 characters it has the beginning. With OMEMO that',
    'is the text for clients without it, if there is one. It is left out where it is not known any more: when the undelivered',
    'message was dropped or `UNDELIVERED_RETENTION` is over, and of a stanza above 10 MiB.',
    '',
    'An error or a result is never answered, whatever is wrong with it.',
    '',
  ].join('\n');
}
