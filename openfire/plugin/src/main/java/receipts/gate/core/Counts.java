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
    /** Why a lease ended last; null when none has. */
    public String lastOpened;

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
