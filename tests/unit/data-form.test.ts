import { formXml, readForm } from '../../src/xmpp/stanza/data-form.ts';
import { parseStanza } from '../support/stanzas/xml.ts';

const form = (xml: string) => parseStanza(`<iq>${xml}</iq>`).getChild('x');

test('a form has what XEP-0004 wants, escaped', () => {
  const xml = formXml({
    type: 'form',
    title: 'A <title>',
    instructions: 'Do & see',
    fields: [
      {
        var: 'pick',
        type: 'list-multi',
        label: '"Pick"',
        desc: 'Some',
        required: true,
        value: ['a', 'b'],
        options: [{ value: 'a', label: 'x < y' }],
      },
      { var: 'key', type: 'hidden', value: 'k' },
      { var: 'none', type: 'text-single' },
    ],
  });
  expect(xml).toBe(
    '<x xmlns="jabber:x:data" type="form"><title>A &lt;title&gt;</title><instructions>Do &amp; see</instructions>' +
      '<field var="pick" type="list-multi" label="&quot;Pick&quot;"><desc>Some</desc><required/><value>a</value><value>b</value>' +
      '<option label="x &lt; y"><value>a</value></option></field>' +
      '<field var="key" type="hidden"><value>k</value></field><field var="none" type="text-single"></field></x>',
  );
  expect(form(xml)?.getChildText('title')).toBe('A <title>');
});

test('a submitted form is read: several values, none, and fields without a name', () => {
  const values = readForm(
    form(
      '<x xmlns="jabber:x:data" type="submit"><field var="a"><value>1</value><value>2</value></field><field var="b"/>' +
        '<field><value>lost</value></field><field var="a"><value>3</value></field></x>',
    ),
  );
  expect(values && [...values]).toEqual([
    ['a', ['1', '2', '3']],
    ['b', []],
  ]);
});

test.each([
  ['nothing', undefined],
  ['a form that was not filled in', form('<x xmlns="jabber:x:data" type="form"/>')],
  ['one that was cancelled', form('<x xmlns="jabber:x:data" type="cancel"/>')],
  ['one without a type', form('<x xmlns="jabber:x:data"/>')],
])('%s is none', (_, given) => {
  expect(readForm(given)).toBeUndefined();
});
