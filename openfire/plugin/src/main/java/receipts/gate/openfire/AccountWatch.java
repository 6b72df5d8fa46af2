package receipts.gate.openfire;

import java.util.Map;
import org.jivesoftware.openfire.event.UserEventListener;
import org.jivesoftware.openfire.user.User;
import receipts.gate.core.Gate;

/** Tells the core which accounts are deleted. */
final class AccountWatch implements UserEventListener {
    private final Gate gate;

    AccountWatch(Gate gate) {
        this.gate = gate;
    }

    @Override
    public void userDeleting(User user, Map<String, Object> params) {
        gate.deleted(user.getUsername() + '@' + gate.settings.server);
    }

    @Override
    public void userCreated(User user, Map<String, Object> params) {
        // Of no interest.
    }

    @Override
    public void userModified(User user, Map<String, Object> params) {
        // Of no interest.
    }
}
