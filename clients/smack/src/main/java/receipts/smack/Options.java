package receipts.smack;

/** How {@link Receipts} works. Times are in ms. */
public final class Options {
    /** The component's domain; null: it is found among the server's items (XEP-0030) and remembered in the store. */
    public String component;
    /** Whether the component's domain is looked for where none is given. */
    public boolean discover = true;
    /** Null: {@link AutoReceipt#ALWAYS} for senders behind the component or the gate, {@link AutoReceipt#SUBSCRIBED} for others. */
    public AutoReceipt autoReceipt;
    /** Whether receipts and acknowledgements of 200 ms share a stanza where the component takes that. */
    public boolean batch = true;
    /** How many messages may be on their way without being stored. */
    public int maxInFlight = 32;
    /** Time without an acknowledgement before a message is sent again; doubled each time. */
    public long resendAfter = 10_000;
    /** The longest time between two attempts. */
    public long resendAtMost = 300_000;
    /** Time of absence after which the component is asked what it has, before anything is sent again. */
    public long askAfter = 60_000;
    /** Time after which a message of which nothing is heard fails: a day more than the component's own. */
    public long giveUpAfter = 8 * 86_400_000L;
    /** How many received messages, and how many ended ones, are remembered to recognize copies. */
    public int remember = 10_000;

    /** The usual ones. */
    public Options() {}
}
