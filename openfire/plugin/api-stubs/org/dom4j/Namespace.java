package org.dom4j;

/** Stands for org.dom4j.Namespace: only what the plugin uses. */
public class Namespace {
    public String getURI() {
        throw new UnsupportedOperationException();
    }
}
