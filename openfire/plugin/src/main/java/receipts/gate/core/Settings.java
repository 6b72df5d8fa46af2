package receipts.gate.core;

/** What the operator may set; docs/gate-protocol.md has the names and the defaults. Times are in ms. */
public final class Settings {
    /** A sender may have this part of what is held in all. */
    private static final int SHARE = 10;

    public final String server;
    public final String component;
    public final boolean failClosed;
    public final long timeout;
    public final int maxHeld;
    public final long maxHeldBytes;
    public final int remembered;

    public Settings(String server, String component, boolean failClosed, long timeout, int maxHeld, long maxHeldBytes, int remembered) {
        this.server = server;
        this.component = component;
        this.failClosed = failClosed;
        this.timeout = timeout;
        this.maxHeld = maxHeld;
        this.maxHeldBytes = maxHeldBytes;
        this.remembered = remembered;
    }

    public static Settings defaults(String server) {
        return new Settings(server, "receipts." + server, false, 3000, 10_000, 64L << 20, 100_000);
    }

    int maxHeldOfSender() {
        return Math.max(1, maxHeld / SHARE);
    }

    long maxHeldBytesOfSender() {
        return Math.max(1, maxHeldBytes / SHARE);
    }
}
