package receipts.gate.core;

import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A gate with a server of which the test says what it does; everything runs when the test says so, in the test's thread. */
final class Rig implements Host {
    final Gate gate;
    long now = 1_000_000;
    final Deque<Runnable> tasks = new ArrayDeque<>();
    /** Packets in the order in which they were routed; tagged ones end with their number. */
    final List<String> routed = new ArrayList<>();
    final Map<Object, List<String>> written = new LinkedHashMap<>();
    final Map<Object, List<String>> answers = new LinkedHashMap<>();
    /** Whole ones that name sessions. */
    final List<String> outcomes = new ArrayList<>();
    final List<Object> closed = new ArrayList<>();
    final List<String> pings = new ArrayList<>();
    final List<String> requests = new ArrayList<>();
    /** Pings to the component, which it answers if it reads. */
    final List<String> asked = new ArrayList<>();
    boolean reads = true;
    final List<String> logged = new ArrayList<>();
    final List<String> warned = new ArrayList<>();
    Function<Entry, Outcome> server = entry -> new Outcome();
    /** Runs within each write to a connection of the component. */
    Runnable writing = () -> { };
    boolean writesInCallbacks;
    /** What the core wants done later waits for {@link #pass}; else it is done at once, as if the time had passed. */
    boolean isTimed;
    /** By when (ms) they are due; of two for the same time the one that was asked for first. */
    private final TreeMap<Long, List<Runnable>> timers = new TreeMap<>();
    /** Stanzas that were written. */
    int stanzas;
    private static final Pattern EVENT = Pattern.compile("<(held|outcome|has|returned|flushed|session|opened|unheld|forgotten|deleted|ready)((?: [^>]*?)?)/?>");
    private final Map<Object, List<String>> held = new LinkedHashMap<>();
    private final Map<Object, String> tokens = new LinkedHashMap<>();

    Rig() {
        this(Settings.defaults("example.org"));
    }

    Rig(Settings settings) {
        gate = new Gate(settings, this, () -> now);
    }

    // What the core asks for: never under its lock (rule 8, lock-probe).
    private void probe() {
        assertFalse(Thread.holdsLock(gate.lock), "the core calls the server under its lock");
    }

    @Override public void execute(Runnable task) { tasks.add(task); }
    @Override public void route(Runnable task) { tasks.add(task); }
    @Override public void later(long delay, Runnable task) {
        if (isTimed) timers.computeIfAbsent(now + delay, any -> new ArrayList<>()).add(task);
        else tasks.add(task);
    }

    @Override public Outcome carryOut(Entry entry) {
        probe();
        routed.add(entry.packet + (entry.isTagged() ? " " + entry.known.n + "/" + entry.copy : ""));
        return server.apply(entry);
    }

    @Override public void write(Object connection, String xml) {
        probe();
        writing.run();
        stanzas++;
        Matcher token = Pattern.compile("token=\"([^\"]*)\"").matcher(xml);
        if (token.find()) tokens.putIfAbsent(connection, token.group(1));
        Matcher whole = Pattern.compile("<outcome [^>]*[^/]>.*?</outcome>").matcher(xml);
        while (whole.find()) outcomes.add(whole.group());
        Matcher events = EVENT.matcher(xml.replaceAll("<outcome ([^>]*[^/])>(.*?)</outcome>", "<outcome $1/>"));
        while (events.find()) {
            if (events.group(1).equals("held")) of(held, connection).add(attribute(events.group(2), "n"));
            of(written, connection).add(events.group(1) + events.group(2));
        }
    }

    @Override public boolean writesInCallbacks() { return writesInCallbacks; }

    @Override public void answer(Object connection, Object request, String tokenOf, String inner) {
        probe();
        writing.run();
        String text = Events.gate(tokenOf, inner);
        Matcher token = Pattern.compile("token=\"([^\"]*)\"").matcher(text);
        if (text.contains("<enabled ") && token.find()) tokens.put(connection, token.group(1));
        of(answers, connection).add(text);
    }

    @Override public void ask(Object connection, String id) {
        probe();
        asked.add(id);
        if (reads) tasks.add(() -> gate.read(id));
    }

    @Override public void close(Object connection) { probe(); closed.add(connection); }
    @Override public void ping(String stream, String jid, String id) { probe(); pings.add(stream + " " + id); }
    @Override public void request(String stream, String jid) { probe(); requests.add(stream); }
    @Override public void log(String text) { logged.add(text); }
    @Override public void warn(String text) { warned.add(text); }

    // What a test does.
    static <T> List<T> of(Map<Object, List<T>> map, Object key) {
        return map.computeIfAbsent(key, any -> new ArrayList<>());
    }

    void run() {
        while (!tasks.isEmpty()) tasks.poll().run();
    }

    /** So many ms pass, and what the core wanted done meanwhile is. */
    void pass(int ms) {
        long until = now + ms;
        while (!timers.isEmpty() && timers.firstKey() <= until) {
            now = timers.firstKey();
            tasks.addAll(timers.pollFirstEntry().getValue());
            run();
        }
        now = until;
    }

    void enable(Object connection) {
        enable(connection, new Command("enable"));
    }

    void enable(Object connection, Command command) {
        gate.enable(connection, command.with("version", "1").with("process", "process-" + connection).with("timeout", "3000").with("lease", "10000"), "enable", "0.1.0", "test", "sm ping");
        run();
    }

    String token(Object connection) {
        return tokens.get(connection);
    }

    boolean say(Object connection, Command... commands) {
        boolean taken = gate.request(token(connection), "request", Arrays.asList(commands));
        run();
        return taken;
    }

    void stored(Object connection, String... numbers) {
        for (String n : numbers) say(connection, new Command("stored").with("n", n));
    }

    Gate.Decision write(String from, String to, String text) {
        return write(from, to, text, true);
    }

    Gate.Decision write(String from, String to, String text, boolean content) {
        String jid = from + "@example.org/phone";
        Stanza stanza = new Stanza(text, jid, to + "@example.org", "id-" + text, false, true);
        Gate.Decision decision = gate.offer(stanza, content, content && gate.isLeased() ? "<message><body>" + text + "</body></message>" : null);
        run();
        if (decision == Gate.Decision.PASS) routed.add(text);
        return decision;
    }

    /** A client confirms a message of that id. */
    Gate.Decision confirm(String from, String to, String id, boolean marker) {
        Stanza stanza = new Stanza("receipt for " + id, from, to, "r-" + id, false, false, Collections.singletonList(new Receipt(id, marker)), true);
        Gate.Decision decision = gate.offer(stanza, true, gate.isLeased() ? "<message/>" : null);
        run();
        return decision;
    }

    /** The numbers of what that connection was shown. */
    List<String> shown(Object connection) {
        return of(held, connection);
    }

    List<String> events(Object connection, String name) {
        List<String> some = new ArrayList<>();
        for (String event : of(written, connection)) if (event.equals(name) || event.startsWith(name + " ")) some.add(event);
        return some;
    }

    static String attribute(String event, String name) {
        String[] value = (" " + event).split(" " + name + "=\"", 2);
        return value.length == 2 ? value[1].substring(0, value[1].indexOf('"')) : null;
    }

    void wait(int ms) {
        for (int passed = 0; passed < ms; passed += 50) {
            now += 50;
            gate.tick();
            run();
        }
    }

    static Command deliver(String n, int copy, String to, String packet) {
        return new Command("deliver").with("n", n).with("copy", "" + copy).with("to", to).with(new Stanza(packet, "alice@example.org/phone", "bob@example.org", "id", false, true));
    }
}
