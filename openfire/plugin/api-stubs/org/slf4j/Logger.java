package org.slf4j;

/** Stands for org.slf4j.Logger: only what the plugin uses. */
public interface Logger {
    void info(String text);

    void warn(String text);
}
