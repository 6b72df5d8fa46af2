package org.slf4j;

/** Stands for org.slf4j.LoggerFactory: only what the plugin uses. */
public final class LoggerFactory {
    private LoggerFactory() {
    }

    public static Logger getLogger(Class<?> name) {
        throw new UnsupportedOperationException();
    }
}
