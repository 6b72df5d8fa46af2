import { useState, useSyncExternalStore } from 'react';
import type { Conversation, Line } from './conversation.ts';

/** The lines of a conversation; the component is rendered again when one changes. */
export function useConversation(conversation: Conversation): readonly Line[] {
  return useSyncExternalStore(conversation.subscribe, conversation.lines);
}

const MARKS = { queued: '…', sent: '…', stored: '✓', delivered: '✓✓', failed: '!' } as const;

/** A chat with one person. */
export function Chat({ conversation }: { readonly conversation: Conversation }) {
  const lines = useConversation(conversation);
  const [text, setText] = useState('');
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        conversation.send(text);
        setText('');
      }}
    >
      <ul>
        {lines.map(({ key, body, state }) => (
          <li key={key}>
            {body} {state !== undefined && <small title={state}>{MARKS[state]}</small>}
          </li>
        ))}
      </ul>
      <input aria-label="Message" value={text} onChange={({ target }) => setText(target.value)} />
      <button type="submit">Send</button>
    </form>
  );
}
