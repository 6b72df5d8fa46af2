package io.netty.util.concurrent;

/** Stands for io.netty.util.concurrent.EventExecutorGroup: only what the plugin uses. */
public interface EventExecutorGroup {
}
