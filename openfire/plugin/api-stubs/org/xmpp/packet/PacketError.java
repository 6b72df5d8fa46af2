package org.xmpp.packet;

/** Stands for org.xmpp.packet.PacketError: only what the plugin uses. */
public class PacketError {
    public enum Condition {
        bad_request,
        forbidden,
        not_allowed,
        resource_constraint;

        public String toXMPP() {
            throw new UnsupportedOperationException();
        }
    }

    public enum Type {
        cancel,
        wait
    }

    public PacketError(Condition condition, Type type, String text) {
        throw new UnsupportedOperationException();
    }

    public Condition getCondition() {
        throw new UnsupportedOperationException();
    }
}
