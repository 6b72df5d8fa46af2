package receipts.gate.core;

/** What the console shows. */
public final class Counts {
    public int leases;
    public int held;
    public long heldBytes;
    public int conversations;
    public int remembered;
    public int sessions;
    public long shown;
    public long stored;
    public long passed;
    public long dropped;
    public long unheld;
    public long delivered;
    public long told;
    public long opened;
    /** ns that the gate itself took, or -1 when that is not measured. */
    public long cpu;
    /** Why a lease ended last; null when none has. */
    public String lastOpened;
    /** ms since then. */
    public long sinceOpened;

    String event() {
        return Events.empty("counts", "held", Integer.toString(held), "bytes", Long.toString(heldBytes), "remembered", Integer.toString(remembered),
            "shown", Long.toString(shown), "stored", Long.toString(stored), "passed", Long.toString(passed), "dropped", Long.toString(dropped),
            "unheld", Long.toString(unheld), "delivered", Long.toString(delivered), "cpu", cpu < 0 ? null : Long.toString(cpu / 1000));
    }

    Counts copy() {
        Counts copy = new Counts();
        copy.shown = shown;
        copy.stored = stored;
        copy.passed = passed;
        copy.dropped = dropped;
        copy.delivered = delivered;
        copy.told = told;
        copy.opened = opened;
        copy.lastOpened = lastOpened;
        return copy;
    }
}
