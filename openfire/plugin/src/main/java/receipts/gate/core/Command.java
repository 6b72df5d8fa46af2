package receipts.gate.core;

import java.util.Collections;
import java.util.HashMap;
import java.util.Map;

/** One command of the component, as the adapter has read it. */
public final class Command {
    public final String name;
    /** What nearly all have, and nothing else. */
    private String n;
    private Map<String, String> attributes = Collections.emptyMap();
    /** The message inside, where there is one. */
    private Stanza stanza;

    public Command(String name) {
        this.name = name;
    }

    public Command with(String attribute, String value) {
        if (attribute.equals("n")) {
            n = value;
            return this;
        }
        if (attributes.isEmpty()) attributes = new HashMap<>();
        attributes.put(attribute, value);
        return this;
    }

    public Command with(Stanza message) {
        stanza = message;
        return this;
    }

    String get(String attribute) {
        return attribute.equals("n") ? n : attributes.get(attribute);
    }

    long number(String attribute, long otherwise) {
        try {
            return Long.parseLong(attributes.get(attribute));
        } catch (NumberFormatException none) {
            return otherwise;
        }
    }

    Stanza stanza() {
        return stanza;
    }
}
