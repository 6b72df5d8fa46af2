package receipts.smack;

/** Which addresses the component answers for. Used on the loop, but for {@link #component}. */
final class Peers {
    /** Its domain; null while it is not known, and where there is none. */
    volatile String component;
    /** The server's domain while a gate shows the component what its users write to each other's own addresses; else null. */
    String heldDomain;
    /** The user's own bare JID; null before the first login. */
    String own;

    /** Whether an address is one of the component's domain, so that it reads what is sent there. */
    boolean atComponent(String jid) {
        return component != null && Jids.domain(jid).equals(component);
    }

    /** Whether the component stores what is sent there. */
    boolean proxied(String jid) {
        return atComponent(jid) || heldDomain != null && mayBeHeld(jid);
    }

    /** Whether a gate of this server is for messages to this address: none to the server, and none to oneself. */
    boolean mayBeHeld(String jid) {
        return own != null && Jids.domain(jid).equals(Jids.domain(own)) && jid.indexOf('@') >= 0 && !Jids.bare(jid).equals(own);
    }
}
