package receipts.gate.core;

import java.util.HashMap;
import java.util.Map;

/** The conversations in which something waits. Guarded by the gate's lock. */
final class Conversations {
    private final Map<String, Conversation> byPair = new HashMap<>();

    Conversation find(String pair) {
        return byPair.get(pair);
    }

    Conversation open(String pair, String from) {
        Conversation conversation = byPair.get(pair);
        if (conversation == null) byPair.put(pair, conversation = new Conversation(pair, from));
        return conversation;
    }

    void close(Conversation conversation) {
        if (conversation.isIdle()) byPair.remove(conversation.pair, conversation);
    }

    boolean isEmpty() {
        return byPair.isEmpty();
    }

    int size() {
        return byPair.size();
    }
}
