package io.netty.util;

/** Stands for io.netty.util.AttributeKey: only what the plugin uses. */
public final class AttributeKey<T> {
    private AttributeKey() {
    }
}
