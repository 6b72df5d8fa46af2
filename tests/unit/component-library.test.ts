import { EventEmitter } from 'node:events';
import type { Component } from '@xmpp/component';
import xml from '@xmpp/xml';
import { needsAChange } from '../../src/app/start-errors.ts';
import { checkParser, Entity, UnsupportedLibraryError } from '../../src/xmpp/connection/component-library.ts';

/** An entity as the library makes it, as far as the link uses it. */
function fakeEntity(): Record<string, unknown> {
  const nothing = () => {};
  return Object.assign(new EventEmitter(), {
    reconnect: { stop: nothing },
    timeout: 2000,
    Parser: xml.Parser,
    parser: null,
    headerElement: () => xml('stream:stream'),
    footer: () => '</stream:stream>',
    open: nothing,
    authenticate: nothing,
    _attachSocket: nothing,
    _onData: nothing,
    _onElement: nothing,
    _onParserError: nothing,
  }) as unknown as Record<string, unknown>;
}

function open(entity: Record<string, unknown>): Entity {
  const nothing = () => {};
  return new Entity(
    {
      service: 'xmpp://127.0.0.1:5275',
      domain: 'receipts.example.org',
      secret: 's',
      timeout: 1000,
      Parser: xml.Parser,
    },
    { data: nothing, element: nothing, unreadable: nothing, header: nothing, closed: nothing },
    () => entity as unknown as Component,
  );
}

function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}

test('the installed library has all that the link uses', () => {
  const nothing = () => {};
  const options = {
    service: 'xmpp://127.0.0.1:5275',
    domain: 'receipts.example.org',
    secret: 's',
    timeout: 1000,
    Parser: xml.Parser,
  };
  const handlers = { data: nothing, element: nothing, unreadable: nothing, header: nothing, closed: nothing };
  expect(new Entity(options, handlers).footer).toBe('</stream:stream>');
});

test('a fake entity that has all of it is taken, and guarded', () => {
  const entity = fakeEntity();
  const before = entity._onData;
  open(entity);
  expect(entity.timeout).toBe(1000);
  expect(entity._onData).not.toBe(before);
  const header = (entity.headerElement as () => { attrs: Record<string, string> })();
  expect(header.attrs.allowMultiple).toBe('true');
});

test.each([
  'reconnect',
  'timeout',
  'Parser',
  'parser',
  'headerElement',
  'footer',
  'open',
  'authenticate',
  '_attachSocket',
  '_onData',
  '_onElement',
  '_onParserError',
])('an entity without %s is refused with a word that names it and the version', (member) => {
  const entity = fakeEntity();
  delete entity[member];
  const error = thrownBy(() => open(entity));
  expect(error).toBeInstanceOf(UnsupportedLibraryError);
  expect((error as Error).message).toMatch(new RegExp(`^@xmpp/component \\d+\\.\\d+\\.\\d+ .*Component\\.${member} `));
  // main.ts ends with the status of a faulty configuration.
  expect(needsAChange(error)).toBe(true);
});

test('a member that is of another type by now counts as missing', () => {
  const error = thrownBy(() => open({ ...fakeEntity(), ...EventEmitter.prototype, _onElement: 'handleElement' }));
  expect(String(error)).toContain('Component._onElement is missing or has changed');
});

test('a reconnect that cannot be stopped is none that the link could use', () => {
  const entity = fakeEntity();
  entity.reconnect = {};
  expect(String(thrownBy(() => open(entity)))).toContain('Component.reconnect.stop');
});

test('the same holds for the parser', () => {
  const { write: _, ...parser } = { root: null, write() {} };
  expect(String(thrownBy(() => checkParser(parser)))).toMatch(/@xmpp\/xml \d+\.\d+\.\d+ .*Parser\.write/);
});
