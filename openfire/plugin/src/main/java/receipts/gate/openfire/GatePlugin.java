package receipts.gate.openfire;

import java.io.File;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jivesoftware.openfire.OfflineMessageStrategy;
import org.jivesoftware.openfire.XMPPServer;
import org.jivesoftware.openfire.cluster.ClusterManager;
import org.jivesoftware.openfire.container.Plugin;
import org.jivesoftware.openfire.container.PluginManager;
import org.jivesoftware.openfire.event.SessionEventDispatcher;
import org.jivesoftware.openfire.event.UserEventDispatcher;
import org.jivesoftware.openfire.interceptor.InterceptorManager;
import org.jivesoftware.openfire.user.PresenceEventDispatcher;
import org.jivesoftware.util.JiveGlobals;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import receipts.gate.core.Cost;
import receipts.gate.core.Faults;
import receipts.gate.core.Gate;
import receipts.gate.core.Settings;
import receipts.gate.core.StatusPage;

/** Puts the gate into Openfire and takes it out again. */
public class GatePlugin implements Plugin {
    static final String VERSION = "0.2.0";
    private static final Logger LOG = LoggerFactory.getLogger(GatePlugin.class);
    private static final String PREFIX = "plugin.receipts.";
    private static final int WRITING = 2;
    /** ms between looks at the clock, and at which sessions have detached. */
    private static final int TICK = 50;
    private static final int LOOK = 250;
    /** ms for what is held to be gone, when the plugin is unloaded. */
    private static final int UNLOAD = 10_000;
    /** Different ones of the clock's that are logged. */
    private static final int WARNINGS = 100;

    private static volatile GatePlugin running;

    private Gate gate;
    private Interceptor interceptor;
    private Requests requests;
    private SessionWatch sessions;
    private OfflineWatch offline;
    private AccountWatch accounts;
    private Runnable resets = () -> { };
    private ScheduledExecutorService executor;
    private ExecutorService routing;
    private ScheduledExecutorService clock;
    private int ticks;
    /** Of the clock's thread alone. */
    private final Set<String> warned = new HashSet<>();

    @Override
    public void initializePlugin(PluginManager manager, File directory) {
        XMPPServer server = XMPPServer.getInstance();
        Settings settings = settings(server.getServerInfo().getXMPPDomain());
        executor = timed(WRITING, "receipts-gate-");
        routing = executor(Gate.ROUTING_THREADS, "receipts-gate-routing-");
        clock = Executors.newSingleThreadScheduledExecutor(threads("receipts-gate-clock-"));
        OpenfireHost host = new OpenfireHost(settings.server, executor, routing, LOG);
        gate = new Gate(settings, host, () -> System.nanoTime() / 1_000_000, cost());
        host.serve(gate);
        StreamWatch streams = new StreamWatch(gate.presence());
        if (!streams.works()) LOG.warn("This Openfire keeps what clients have not acknowledged in another way: their acknowledgements prove nothing here, and pings take over");
        requests = new Requests(settings.component, "Openfire " + server.getServerInfo().getVersion().getVersionString(), streams.works() ? "sm ping" : "ping");
        requests.serve(gate);
        sessions = new SessionWatch(gate.presence(), streams);
        offline = new OfflineWatch(gate.presence());
        accounts = new AccountWatch(gate);
        interceptor = new Interceptor(gate, settings.server, requests, host);
        SessionEventDispatcher.addListener(sessions);
        PresenceEventDispatcher.addListener(sessions);
        OfflineMessageStrategy.addListener(offline);
        UserEventDispatcher.addListener(accounts);
        sessions.begin();
        InterceptorManager.getInstance().addInterceptor(0, interceptor);
        server.getIQRouter().addHandler(requests);
        watchResets();
        clock.scheduleAtFixedRate(this::tick, TICK, TICK, TimeUnit.MILLISECONDS);
        running = this;
        LOG.info("The receipts gate " + VERSION + " waits for " + settings.component);
    }

    private void watchResets() {
        if (!JiveGlobals.getBooleanProperty(PREFIX + "resume-after-reset", true)) return;
        try {
            resets = ResetWatch.begin(gate::isLeased, this::lookAndGoOn);
        } catch (LinkageError | RuntimeException other) {
            LOG.info("This Openfire's connections are of another kind: whether a session can be resumed after a reset is up to it");
        }
    }

    /** A session that is detached and resumed between two looks would not be seen to be either. */
    private void lookAndGoOn(Runnable next) {
        try {
            clock.execute(() -> {
                try {
                    sessions.look();
                } finally {
                    next.run();
                }
            });
        } catch (RejectedExecutionException unloaded) {
            next.run();
        }
    }

    private static Settings settings(String domain) {
        Settings defaults = Settings.defaults(domain);
        return new Settings(domain,
            JiveGlobals.getProperty(PREFIX + "component", defaults.component),
            "closed".equals(JiveGlobals.getProperty(PREFIX + "fail", "open")),
            JiveGlobals.getLongProperty(PREFIX + "timeout", defaults.timeout),
            JiveGlobals.getIntProperty(PREFIX + "max-held", defaults.maxHeld),
            JiveGlobals.getLongProperty(PREFIX + "max-held-bytes", defaults.maxHeldBytes),
            JiveGlobals.getIntProperty(PREFIX + "remembered", defaults.remembered));
    }

    private static Cost cost() {
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        boolean measures = JiveGlobals.getBooleanProperty(PREFIX + "measure", false) && threads.isCurrentThreadCpuTimeSupported();
        return measures ? new Cost(threads::getCurrentThreadCpuTime) : Cost.NONE;
    }

    /** A callback that comes while the plugin leaves must not fail within the server. */
    private static ExecutorService executor(int size, String prefix) {
        return new ThreadPoolExecutor(size, size, 0, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), threads(prefix), new ThreadPoolExecutor.DiscardPolicy());
    }

    private static ScheduledExecutorService timed(int size, String prefix) {
        return new ScheduledThreadPoolExecutor(size, threads(prefix), new ThreadPoolExecutor.DiscardPolicy());
    }

    private static ThreadFactory threads(String prefix) {
        AtomicInteger number = new AtomicInteger();
        return task -> {
            Thread thread = new Thread(task, prefix + number.incrementAndGet());
            thread.setDaemon(true);
            // Else the virtual machine writes all of it, its text included, to where the server's output goes.
            thread.setUncaughtExceptionHandler((one, failure) -> LOG.warn("A task of the gate has failed: " + Faults.name(failure)));
            return thread;
        };
    }

    /** Each part, and the next tick, comes whatever another one throws: an executor would drop the clock without a word. */
    private void tick() {
        part(() -> Requests.endClosed(gate));
        part(() -> {
            if (ClusterManager.isClusteringStarted()) gate.endLeases("cluster");
        });
        part(gate::tick);
        if (++ticks % (LOOK / TICK) == 0) part(sessions::look);
    }

    private void part(Runnable part) {
        Faults.contain("A look at the gate's clock has failed", this::warnOnce, part);
    }

    /** What fails at one tick is likely to at each. */
    private void warnOnce(String text) {
        if (warned.size() < WARNINGS && warned.add(text)) LOG.warn(text);
    }

    /** Stops holding, lets all go in order while everything is still watched, and only then takes itself out. */
    @Override
    public void destroyPlugin() {
        running = null;
        gate.unload();
        try {
            for (int waited = 0; waited < UNLOAD && !gate.isEmpty(); waited += 10) Thread.sleep(10);
            clock.shutdown();
            Faults.contain("Connections could not be left", LOG::warn, resets);
            sessions.end(LOG::warn);
            XMPPServer.getInstance().getIQRouter().removeHandler(requests);
            InterceptorManager.getInstance().removeInterceptor(interceptor);
            OfflineMessageStrategy.removeListener(offline);
            UserEventDispatcher.removeListener(accounts);
            PresenceEventDispatcher.removeListener(sessions);
            SessionEventDispatcher.removeListener(sessions);
            routing.shutdown();
            boolean done = routing.awaitTermination(UNLOAD, TimeUnit.MILLISECONDS);
            executor.shutdown();
            if (!done || !executor.awaitTermination(UNLOAD, TimeUnit.MILLISECONDS)) LOG.warn("The receipts gate leaves while the server still routes for it");
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
    }

    /** For the console. */
    static String page() {
        GatePlugin plugin = running;
        return StatusPage.html(plugin == null ? null : plugin.gate.counts(), plugin == null ? null : plugin.gate.settings, VERSION);
    }
}
