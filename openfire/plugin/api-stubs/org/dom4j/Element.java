package org.dom4j;

import java.util.List;

/** Stands for org.dom4j.Element: only what the plugin uses. */
public interface Element extends Branch {
    String attributeValue(String name);

    Element addAttribute(String name, String value);

    int attributeCount();

    Attribute attribute(int index);

    String getNamespaceURI();

    List<Element> elements();

    List<Namespace> declaredNamespaces();

    boolean remove(Namespace namespace);

    Element element(String name);

    Element createCopy();

    void setQName(QName name);

    String elementText(String name);

    String getText();
}
