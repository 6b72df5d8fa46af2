package io.netty.util;

/** Stands for io.netty.util.AttributeMap: only what the plugin uses. */
public interface AttributeMap {
    <T> Attribute<T> attr(AttributeKey<T> key);
}
