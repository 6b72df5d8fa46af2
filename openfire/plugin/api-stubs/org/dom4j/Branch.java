package org.dom4j;

/** Stands for org.dom4j.Branch: only what the plugin uses. */
public interface Branch extends Node {
    int nodeCount();

    Node node(int index);

    boolean remove(Element element);

    Element addElement(QName name);
}
