package org.dom4j;

/** Stands for org.dom4j.DocumentException: only what the plugin uses. */
public class DocumentException extends Exception {
    private static final long serialVersionUID = 1L;
}
