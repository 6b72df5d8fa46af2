package org.dom4j;

/** Stands for org.dom4j.Document: only what the plugin uses. */
public interface Document extends Branch {
    Element getRootElement();
}
