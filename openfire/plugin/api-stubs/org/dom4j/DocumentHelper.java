package org.dom4j;

/** Stands for org.dom4j.DocumentHelper: only what the plugin uses. */
public final class DocumentHelper {
    private DocumentHelper() {
    }

    public static Element createElement(QName name) {
        throw new UnsupportedOperationException();
    }

    public static Document parseText(String text) throws DocumentException {
        throw new UnsupportedOperationException();
    }
}
