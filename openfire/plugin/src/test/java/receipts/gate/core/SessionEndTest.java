package receipts.gate.core;

import static java.util.Arrays.asList;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** How sessions end: rule 18. */
class SessionEndTest {
    private final Rig rig = new Rig();

    @BeforeEach void enabled() {
        rig.enable("c");
    }

    @Test @DisplayName("18: a client has ended its session in order when it has closed the stream, also if another takes its resource first")
    void closedStream() {
        AtomicBoolean closed = new AtomicBoolean();
        rig.gate.presence().bound("s2", "bob@example.org/desk", closed::get);
        rig.gate.presence().bound("s3", "bob@example.org/web", () -> false);
        for (String stream : asList("s2", "s3")) rig.gate.presence().changed(stream, "available", 0, false);
        closed.set(true);
        rig.gate.presence().bound("s4", "bob@example.org/desk", () -> false);
        // The server says of s3 whether its stream was closed, and it was not.
        rig.gate.presence().leaves("s3");
        rig.gate.presence().changed("s3", "unavailable", 0, false);
        rig.gate.presence().gone("s3");
        rig.run();
        assertEquals(asList("s2 true", "s3 null"), ends());
    }

    @Test @DisplayName("18: where the server does not say that, it is said of one that ends right after its client has become unavailable by itself")
    void leaves() {
        Presence presence = rig.gate.presence();
        List<String> streams = asList("quits", "waits", "killed", "returns", "detached");
        for (String stream : streams) {
            presence.bound(stream, "bob@example.org/" + stream);
            presence.changed(stream, "available", 0, false);
        }
        for (String stream : streams) if (!stream.equals("killed")) presence.leaves(stream);
        for (String stream : streams) presence.changed(stream, "unavailable", 0, false);
        presence.changed("returns", "available", 0, false);
        // The server says it of one whose client is killed.
        presence.changed("returns", "unavailable", 0, false);
        presence.detached("detached");
        for (String stream : streams) if (!stream.equals("waits")) presence.gone(stream);
        rig.wait(1050);
        presence.gone("waits");
        rig.run();
        assertEquals(asList("quits true", "killed null", "returns null", "detached null", "waits null"), ends());
    }

    /** The sessions that are gone, and whether their clients ended them in order. */
    private List<String> ends() {
        return rig.events("c", "session").stream().filter(event -> "gone".equals(Rig.attribute(event, "state")))
            .map(event -> Rig.attribute(event, "id") + " " + Rig.attribute(event, "graceful")).collect(Collectors.toList());
    }
}
