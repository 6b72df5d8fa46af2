package org.jivesoftware.openfire.event;

import java.util.Map;
import org.jivesoftware.openfire.user.User;

/** Stands for org.jivesoftware.openfire.event.UserEventListener: only what the plugin uses. */
public interface UserEventListener {
    void userCreated(User user, Map<String, Object> params);

    void userDeleting(User user, Map<String, Object> params);

    void userModified(User user, Map<String, Object> params);
}
