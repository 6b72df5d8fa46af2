package org.dom4j;

/** Stands for org.dom4j.Attribute: only what the plugin uses. */
public interface Attribute extends Node {
    String getNamespaceURI();

    String getValue();
}
