package io.netty.util.concurrent;

/** Stands for io.netty.util.concurrent.EventExecutor: only what the plugin uses. */
public interface EventExecutor extends EventExecutorGroup {
}
