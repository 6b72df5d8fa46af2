package org.dom4j;

/** Stands for org.dom4j.Node: only what the plugin uses. */
public interface Node {
    String getName();

    String getStringValue();

    String asXML();
}
