package io.netty.util;

/** Stands for io.netty.util.Attribute: only what the plugin uses. */
public interface Attribute<T> {
    T get();
}
