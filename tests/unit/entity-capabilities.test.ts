import { hash } from 'node:crypto';
import {
  type Caps,
  capsOf,
  hasFeature,
  isVerifiable,
  isVerified,
  verificationString,
} from '../../src/xmpp/stanza/entity-capabilities.ts';
import { parseStanza } from '../support/stanzas/xml.ts';

const INFO = 'http://jabber.org/protocol/disco#info';
const query = (inner: string) => parseStanza(`<query xmlns="${INFO}">${inner}</query>`);
const features = (...names: string[]) => names.map((name) => `<feature var="${name}"/>`).join('');
const FOUR = [
  'http://jabber.org/protocol/caps',
  INFO,
  'http://jabber.org/protocol/disco#items',
  'http://jabber.org/protocol/muc',
];
const field = (name: string, values: string[], type = '') =>
  `<field var="${name}"${type}>${values.map((value) => `<value>${value}</value>`).join('')}</field>`;
const form = (...fields: string[]) => `<x xmlns="jabber:x:data" type="result">${fields.join('')}</x>`;
const type = (...names: string[]) => field('FORM_TYPE', names, ' type="hidden"');

// XEP-0115 section 5.2.
const EXODUS = query(
  `<identity category="client" type="pc" name="Exodus 0.9.1"/>${features(FOUR[3]!, FOUR[1]!, FOUR[2]!, FOUR[0]!)}`,
);
const EXODUS_CAPS: Caps = {
  node: 'http://code.google.com/p/exodus',
  ver: 'QgayPKawpkPSDYmwT/WM94uAlu0=',
  hash: 'sha-1',
};
// XEP-0115 section 5.3.
const PSI_IDENTITIES =
  '<identity xml:lang="en" category="client" name="Psi 0.11" type="pc"/><identity xml:lang="el" category="client" name="Ψ 0.11" type="pc"/>';
const PSI_FORM = form(
  type('urn:xmpp:dataforms:softwareinfo'),
  field('ip_version', ['ipv4', 'ipv6']),
  field('os', ['Mac']),
  field('os_version', ['10.5.1']),
  field('software', ['Psi']),
  field('software_version', ['0.11']),
);
const PSI = query(PSI_IDENTITIES + features(...FOUR) + PSI_FORM);
const PSI_CAPS: Caps = { node: 'http://psi-im.org', ver: 'q07IKJEyjvHSyhy//CH0CxmKi8w=', hash: 'sha-1' };

describe('the verification string', () => {
  test('of XEP-0115 section 5.2', () => {
    expect(verificationString(EXODUS)).toBe(
      'client/pc//Exodus 0.9.1<http://jabber.org/protocol/caps<http://jabber.org/protocol/disco#info<http://jabber.org/protocol/disco#items<http://jabber.org/protocol/muc<',
    );
    expect(isVerified(EXODUS, EXODUS_CAPS)).toBe(true);
  });

  test('of XEP-0115 section 5.3, with languages and a form', () => {
    expect(verificationString(PSI)).toBe(
      'client/pc/el/Ψ 0.11<client/pc/en/Psi 0.11<http://jabber.org/protocol/caps<http://jabber.org/protocol/disco#info<http://jabber.org/protocol/disco#items<http://jabber.org/protocol/muc<urn:xmpp:dataforms:softwareinfo<ip_version<ipv4<ipv6<os<Mac<os_version<10.5.1<software<Psi<software_version<0.11<',
    );
    expect(isVerified(PSI, PSI_CAPS)).toBe(true);
  });

  test('does not depend on the order of anything', () => {
    const turned = form(
      field('software_version', ['0.11']),
      field('os', ['Mac']),
      type('urn:xmpp:dataforms:softwareinfo'),
      field('os_version', ['10.5.1']),
      field('ip_version', ['ipv6', 'ipv4']),
      field('software', ['Psi']),
    );
    expect(isVerified(query(turned + features(...[...FOUR].reverse()) + PSI_IDENTITIES), PSI_CAPS)).toBe(true);
  });

  test('sorts by bytes, as i;octet does, and not by UTF-16 units', () => {
    expect(verificationString(query(features('\u{1f600}', '\uffe0')))).toBe('\uffe0<\u{1f600}<');
  });

  test.each(['sha-1', 'sha-224', 'sha-256', 'sha-384', 'sha-512', 'sha3-256', 'sha3-512'])(
    'is verified with %s',
    (name) => {
      const ver = hash(name.replace(/^sha-/, 'sha'), verificationString(EXODUS) as string, 'base64');
      expect(isVerified(EXODUS, { node: 'n', ver, hash: name })).toBe(true);
      expect(isVerified(PSI, { node: 'n', ver, hash: name })).toBe(false);
    },
  );
});

describe('an answer that proves nothing (XEP-0115 section 5.4)', () => {
  test.each([
    [
      'the same identity twice',
      '<identity category="client" type="pc"/><identity category="client" type="pc" name=""/>',
    ],
    ['the same feature twice', features('a', 'b', 'a')],
    ['two forms of one type', form(type('t')) + form(type('t'), field('a', ['1']))],
    ['a form of two types', form(type('t', 'u'))],
    ['what ends a part inside of one', features('a<b'.replace('<', '&lt;'))],
    ['the same in a form', form(type('t'), field('a', ['x&lt;y']))],
  ])('has %s', (_, inner) => expect(verificationString(query(inner))).toBeUndefined());

  test.each([
    ['a form without a type', form(field('a', ['1']))],
    ['a form whose type is not hidden', form(field('FORM_TYPE', ['t']), field('a', ['1']))],
  ])('%s is left out of it', (_, inner) => {
    expect(verificationString(query(features('a') + inner))).toBe('a<');
  });

  test.each([
    ['another digest', { ...EXODUS_CAPS, ver: PSI_CAPS.ver }],
    ['no hash function', { ...EXODUS_CAPS, hash: undefined }],
    ['one that we do not take', { ...EXODUS_CAPS, hash: 'md5' }],
    ['one that is a word of the language', { ...EXODUS_CAPS, hash: 'constructor' }],
    ['a ver that is no digest', { ...EXODUS_CAPS, ver: '0.9.1' }],
  ])('has %s', (_, caps) => {
    expect(isVerified(EXODUS, caps)).toBe(false);
  });
});

test('capabilities are read from a presence', () => {
  const presence = (c: string) => parseStanza(`<presence from="a@x/y">${c}</presence>`);
  expect(capsOf(presence(`<c xmlns="http://jabber.org/protocol/caps" node="n" ver="v" hash="sha-1"/>`))).toEqual({
    node: 'n',
    ver: 'v',
    hash: 'sha-1',
  });
  expect(capsOf(presence(`<c xmlns="http://jabber.org/protocol/caps" node="n" ver="0.9" ext="x"/>`))).toEqual({
    node: 'n',
    ver: '0.9',
    hash: undefined,
  });
  expect(capsOf(presence(`<c xmlns="http://jabber.org/protocol/caps" node="n"/>`))).toBeUndefined();
  expect(capsOf(presence(''))).toBeUndefined();
  expect(isVerifiable({ node: 'n', ver: 'v', hash: 'sha-1' })).toBe(false);
});

test('a feature is one of the answer’s, in its namespace', () => {
  expect(hasFeature(EXODUS, INFO)).toBe(true);
  expect(hasFeature(EXODUS, 'urn:xmpp:receipts')).toBe(false);
  expect(hasFeature(query('<feature xmlns="urn:x" var="urn:xmpp:receipts"/>'), 'urn:xmpp:receipts')).toBe(false);
});
