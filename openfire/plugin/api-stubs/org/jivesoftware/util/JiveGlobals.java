package org.jivesoftware.util;

/** Stands for org.jivesoftware.util.JiveGlobals: only what the plugin uses. */
public class JiveGlobals {
    public static String getProperty(String name, String otherwise) {
        throw new UnsupportedOperationException();
    }

    /** Used by the tests' plugin. */
    public static void setProperty(String name, String value) {
        throw new UnsupportedOperationException();
    }

    public static int getIntProperty(String name, int otherwise) {
        throw new UnsupportedOperationException();
    }

    public static boolean getBooleanProperty(String name, boolean otherwise) {
        throw new UnsupportedOperationException();
    }

    public static long getLongProperty(String name, long otherwise) {
        throw new UnsupportedOperationException();
    }
}
