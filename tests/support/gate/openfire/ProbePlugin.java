package receipts.gate.probe;

import java.io.File;
import java.lang.reflect.Field;
import java.util.concurrent.atomic.AtomicInteger;
import org.jivesoftware.openfire.OfflineMessage;
import org.jivesoftware.openfire.OfflineMessageListener;
import org.jivesoftware.openfire.OfflineMessageStrategy;
import org.jivesoftware.openfire.container.Plugin;
import org.jivesoftware.openfire.container.PluginManager;
import org.jivesoftware.openfire.interceptor.InterceptorManager;
import org.jivesoftware.openfire.interceptor.PacketInterceptor;
import org.jivesoftware.openfire.interceptor.PacketRejectedException;
import org.jivesoftware.openfire.session.Session;
import org.jivesoftware.util.JiveGlobals;
import org.xmpp.packet.Message;
import org.xmpp.packet.Packet;
import org.xmpp.packet.Presence;

/**
 * What the tests of the gate want of an Openfire: another plugin that fails, and a listener for what is stored, which is slow. It
 * does what the bodies of messages say.
 */
public class ProbePlugin implements Plugin, PacketInterceptor, OfflineMessageListener {
    /** ms */
    private static final int SLOW = 5_000;
    /** ms, less than a gate holds a message. */
    private static final int LINGER = 1_500;
    private final AtomicInteger stored = new AtomicInteger();
    /** Sessions whose resource is `lingers`, which have closed and are not removed yet, or were so before. */
    private final AtomicInteger lingering = new AtomicInteger();

    @Override
    public void initializePlugin(PluginManager manager, File directory) {
        // Behind the gate's.
        InterceptorManager.getInstance().addInterceptor(1, this);
        OfflineMessageStrategy.addListener(this);
    }

    @Override
    public void destroyPlugin() {
        OfflineMessageStrategy.removeListener(this);
        InterceptorManager.getInstance().removeInterceptor(this);
    }

    @Override
    public void interceptPacket(Packet packet, Session session, boolean incoming, boolean processed) throws PacketRejectedException {
        if (packet instanceof Presence && incoming && !processed && isLingering(packet)) linger();
        if (!(packet instanceof Message)) return;
        String body = packet.getElement().elementText("body");
        if (body == null) return;
        if (body.equals("probe: throw") && !incoming && !processed) throw new IllegalStateException("as the test wants it");
        if (body.equals("probe: reject") && incoming && !processed) throw new PacketRejectedException();
        if (body.startsWith("probe: stored?") && !incoming && !processed) packet.getElement().addAttribute("stored", Integer.toString(stored.get()));
        if (body.startsWith("probe: lingering?") && !incoming && !processed) packet.getElement().addAttribute("lingering", Integer.toString(lingering.get()));
        if (body.startsWith("probe: fail=") && incoming && !processed) JiveGlobals.setProperty("plugin.receipts.fail", body.substring("probe: fail=".length()));
        if (body.equals("probe: cluster on") && !incoming && !processed) cluster(true);
        if (body.equals("probe: cluster off") && !incoming && !processed) cluster(false);
    }

    private static boolean isLingering(Packet presence) {
        return "unavailable".equals(presence.getElement().attributeValue("type")) && presence.getFrom() != null && "lingers".equals(presence.getFrom().getResource());
    }

    /** The server tells all that somebody is gone before it removes his session. */
    private void linger() {
        lingering.incrementAndGet();
        sleep(LINGER);
    }

    /** What ClusterManager.isClusteringStarted() asks for. */
    private static void cluster(boolean started) {
        try {
            Field field = Class.forName("org.jivesoftware.util.cache.CacheFactory").getDeclaredField("clusteringStarted");
            field.setAccessible(true);
            field.setBoolean(null, started);
        } catch (ReflectiveOperationException other) {
            throw new IllegalStateException(other);
        }
    }

    @Override
    public void messageBounced(Message message) {
        // Of no interest.
    }

    @Override
    public void messageStored(OfflineMessage message) {
        stored(message);
    }

    /** The same in Openfire 4.2. */
    public void messageStored(Message message) {
        stored(message);
    }

    private void stored(Message message) {
        stored.incrementAndGet();
        String body = message.getElement().elementText("body");
        if (body != null && body.startsWith("probe: fail")) throw new AssertionError("Not taken: " + body);
        if ("probe: slow".equals(body)) sleep(SLOW);
    }

    private static void sleep(int ms) {
        try {
            Thread.sleep(ms);
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
    }
}
