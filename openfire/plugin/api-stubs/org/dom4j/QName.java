package org.dom4j;

/** Stands for org.dom4j.QName: only what the plugin uses. */
public class QName {
    public static QName get(String name) {
        throw new UnsupportedOperationException();
    }

    public static QName get(String name, String uri) {
        throw new UnsupportedOperationException();
    }
}
