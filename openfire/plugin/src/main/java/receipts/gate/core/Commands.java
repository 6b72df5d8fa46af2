package receipts.gate.core;

/** Carries out what the component says. Guarded by the gate's lock. */
final class Commands {
    private final Gate gate;
    private final Lines lines;

    Commands(Gate gate, Lines lines) {
        this.gate = gate;
        this.lines = lines;
    }

    void carryOut(Lease lease, Command command, Answer answer) {
        switch (command.name) {
            case "stored": verdict(lease, command, Verdict.STORED); break;
            case "pass": verdict(lease, command, Verdict.PASS); break;
            case "drop": verdict(lease, command, Verdict.DROP); break;
            case "deliver": deliver(lease, command, answer); break;
            case "tell": tell(command, answer); break;
            case "ask":
                answer.isWaitedFor();
                ask(lease, command.get("n"));
                break;
            case "forget": if (command.get("n") != null) gate.record.forget(command.get("n"), lease); break;
            case "sessions": sessions(command, answer); break;
            case "disable": disable(lease, answer); break;
            case "counts": answer.add(gate.counts().event()); break;
            // Else it is enough to have come.
            case "renew": gate.remember(command.get("ledger")); break;
            // What a later version knows, and may wait for.
            default: answer.isWaitedFor();
        }
    }

    private void verdict(Lease lease, Command command, Verdict verdict) {
        String n = command.get("n");
        if (n == null) return;
        Entry entry = lease.waiting.remove(n);
        if (entry == null) {
            ask(lease, n);
            return;
        }
        lease.lastVerdict = gate.clock.getAsLong();
        entry.verdict = verdict;
        entry.asksAcknowledgement = "true".equals(command.get("ack"));
        gate.ready(gate.conversations.find(entry.known.pair));
    }

    /** What is remembered, again. What was given a verdict and is not routed yet comes by itself. */
    private void ask(Lease lease, String n) {
        if (n == null || gate.record.inHand.contains(n)) return;
        Known known = gate.record.memory.get(n);
        if (known == null) gate.record.send(lease, Events.outcome(n, "unknown"));
        else {
            gate.record.leaves(known, lease);
            known.told = lease;
            known.isToBeTold = false;
            for (String event : known.events()) gate.record.send(lease, event);
        }
    }

    private void deliver(Lease lease, Command command, Answer answer) {
        String n = command.get("n");
        String to = command.get("to");
        Stanza message = command.stanza();
        String server = gate.settings.server;
        if (n == null || n.isEmpty() || message == null || !Stanza.isUserOf(to, server) || to.indexOf('/') < 0 || message.from == null || message.to == null) {
            answer.failed(command, "malformed");
            return;
        }
        String sender = Stanza.bare(message.from);
        String pair = Conversation.pair(sender, Stanza.bare(to));
        Known known = gate.record.memory.get(n);
        if (!Stanza.bare(to).equals(Stanza.bare(message.to)) || known != null && !known.pair.equals(pair)) {
            answer.failed(command, "not-addressee");
            return;
        }
        if (gate.record.sessions.at(to) == null) {
            answer.failed(command, "no-session");
            return;
        }
        if (known == null) {
            known = new Known(n, pair);
            known.byCopy = true;
            known.silent = message.silent;
            known.words = message.words;
            known.name = Known.name(sender, Stanza.bare(to), message.id);
        }
        gate.record.belongs(known, lease);
        int copy = (int) command.number("copy", 2);
        Entry entry = new Entry(Entry.Kind.DELIVER, message.packet, known, copy, to, sender, 0, gate.clock.getAsLong());
        Line line = gate.conversations.open(pair, sender).from(sender);
        line.addCopy(entry);
        waits(entry, line, answer);
    }

    private void tell(Command command, Answer answer) {
        Stanza message = command.stanza();
        String server = gate.settings.server;
        if (message == null || message.id == null || !Stanza.isUserOf(message.from, server) || !Stanza.isUserOf(message.to, server)) {
            answer.failed(command, "malformed");
            return;
        }
        if (message.body && !message.error) {
            answer.failed(command, "forbidden");
            return;
        }
        String sender = Stanza.bare(message.from);
        Entry entry = new Entry(Entry.Kind.TELL, message.packet, null, 0, message.to, sender, 0, gate.clock.getAsLong());
        Line line = gate.conversations.open(Conversation.pair(sender, Stanza.bare(message.to)), sender).from(sender);
        line.add(entry);
        waits(entry, line, answer);
    }

    private void waits(Entry entry, Line line, Answer answer) {
        gate.bounds.add(entry);
        entry.answer = answer;
        answer.await();
        lines.schedule(line);
    }

    private void sessions(Command command, Answer answer) {
        String jid = command.get("jid");
        answer.isWaitedFor();
        if (jid == null) return;
        for (Live live : gate.record.sessions.of(Stanza.bare(jid))) answer.add(live.event());
    }

    private void disable(Lease lease, Answer answer) {
        answer.isWaitedFor();
        gate.ending.end(lease, "disabled");
        if (lease.unfinished == 0) return;
        answer.await();
        lease.farewell = answer;
    }
}
