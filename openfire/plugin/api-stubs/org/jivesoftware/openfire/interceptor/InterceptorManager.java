package org.jivesoftware.openfire.interceptor;

/** Stands for org.jivesoftware.openfire.interceptor.InterceptorManager: only what the plugin uses. */
public class InterceptorManager {
    public static InterceptorManager getInstance() {
        throw new UnsupportedOperationException();
    }

    public void addInterceptor(int index, PacketInterceptor interceptor) {
        throw new UnsupportedOperationException();
    }

    public boolean removeInterceptor(PacketInterceptor interceptor) {
        throw new UnsupportedOperationException();
    }
}
