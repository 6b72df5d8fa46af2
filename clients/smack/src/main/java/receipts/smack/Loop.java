package receipts.smack;

import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;

/** One thread, on which things are done one after the other. It does not keep a process running. */
class Loop implements Executor {
    private static final Logger LOGGER = Logger.getLogger(Loop.class.getName());

    private final ScheduledThreadPoolExecutor executor;

    Loop(String name) {
        executor = new ScheduledThreadPoolExecutor(1, work -> {
            Thread thread = new Thread(work, name);
            thread.setDaemon(true);
            return thread;
        });
        executor.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
        executor.setRemoveOnCancelPolicy(true);
    }

    /** Does nothing after {@link #end}. */
    @Override
    public void execute(Runnable work) {
        try {
            executor.execute(logged(work));
        } catch (RejectedExecutionException ended) {
            LOGGER.log(Level.FINE, "Closed", ended);
        }
    }

    /** Waits for what it returns. */
    <T> T call(Callable<T> work) {
        CompletableFuture<T> answer = new CompletableFuture<>();
        try {
            executor.execute(() -> {
                try {
                    answer.complete(work.call());
                } catch (Exception error) {
                    answer.completeExceptionally(error);
                }
            });
            return answer.get();
        } catch (RejectedExecutionException ended) {
            throw new IllegalStateException("Closed", ended);
        } catch (ExecutionException error) {
            throw new IllegalStateException(error.getCause());
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(interrupted);
        }
    }

    /** Does it once, after so many ms. */
    Future<?> after(long ms, Runnable work) {
        return executor.schedule(logged(work), ms, TimeUnit.MILLISECONDS);
    }

    /** Does it again and again. */
    void every(long ms, Runnable work) {
        executor.scheduleWithFixedDelay(logged(work), ms, ms, TimeUnit.MILLISECONDS);
    }

    /** What is due at once is done; nothing after it. */
    void end() {
        executor.shutdown();
    }

    private static Runnable logged(Runnable work) {
        return () -> {
            try {
                work.run();
            } catch (RuntimeException error) {
                LOGGER.log(Level.SEVERE, "A fault of the library, or of a listener", error);
            }
        };
    }
}
