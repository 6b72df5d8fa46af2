package io.netty.util.concurrent;

import java.util.concurrent.ScheduledExecutorService;

/** Stands for io.netty.util.concurrent.EventExecutorGroup: only what the plugin uses. */
public interface EventExecutorGroup extends ScheduledExecutorService {
}
