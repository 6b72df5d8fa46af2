package receipts.smack;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.jivesoftware.smack.XMPPConnection;
import org.jivesoftware.smack.packet.IQ;
import org.jivesoftware.smackx.disco.packet.DiscoverInfo;
import org.jivesoftware.smackx.disco.packet.DiscoverItems;
import org.jxmpp.jid.Jid;
import org.jxmpp.jid.impl.JidCreate;

/** Questions to the server and the component. Their answers come on the loop; none is later than 5 s. */
class Discovery {
    private static final long TIMEOUT = 5000;
    /** How many items of a server are asked for their features, at most. */
    private static final int MAX_ITEMS = 20;

    private final XMPPConnection connection;
    private final Loop loop;

    Discovery(XMPPConnection connection, Loop loop) {
        this.connection = connection;
        this.loop = loop;
    }

    /** Looks among a server's items for the component (XEP-0030); null if there is none, or nobody answers. */
    void findComponent(String server, Consumer<String> found) {
        DiscoverItems question = new DiscoverItems();
        ask(server, question, answer -> {
            List<String> jids = new ArrayList<>();
            if (answer instanceof DiscoverItems) {
                for (DiscoverItems.Item item : ((DiscoverItems) answer).getItems())
                    if (item.getNode() == null && jids.size() < MAX_ITEMS)
                        jids.add(item.getEntityID().toString().toLowerCase(Locale.ROOT));
            }
            firstThatSaysSo(jids, found);
        });
    }

    /** The first: another item may take its time. */
    private void firstThatSaysSo(List<String> jids, Consumer<String> found) {
        int[] unanswered = {jids.size()};
        boolean[] done = {false};
        if (jids.isEmpty()) found.accept(null);
        for (String jid : jids) {
            features(jid, features -> {
                unanswered[0] -= 1;
                boolean is = features.contains(Names.OWN);
                if (done[0] || !is && unanswered[0] > 0) return;
                done[0] = true;
                found.accept(is ? jid : null);
            });
        }
    }

    /** An entity's features (XEP-0030); none if it does not answer. */
    void features(String jid, Consumer<Set<String>> then) {
        DiscoverInfo question = DiscoverInfo.builder(connection).ofType(IQ.Type.get).build();
        ask(jid, question, answer -> {
            Set<String> features = new HashSet<>();
            if (answer instanceof DiscoverInfo)
                for (DiscoverInfo.Feature feature : ((DiscoverInfo) answer).getFeatures()) features.add(feature.getVar());
            then.accept(features);
        });
    }

    /** Asks for the states of messages, a hundred at a time; each answer, and at last whether there is no more. */
    void states(String component, List<Item> messages, BiConsumer<List<StatusUpdate>, Boolean> then) {
        if (messages.isEmpty()) {
            then.accept(Collections.<StatusUpdate>emptyList(), true);
            return;
        }
        int count = Math.min(messages.size(), Names.MAX_STATUS_MESSAGES);
        StatusIq question = new StatusIq();
        for (Item item : messages.subList(0, count)) question.messages.add(new StatusUpdate(item.id, item.to, null));
        ask(component, question, answer -> {
            if (answer instanceof StatusIq) {
                then.accept(((StatusIq) answer).messages, false);
                states(component, messages.subList(count, messages.size()), then);
            } else {
                // The other questions would wait as long. Messages whose state is not known are sent again.
                then.accept(Collections.<StatusUpdate>emptyList(), true);
            }
        });
    }

    private void ask(String to, IQ question, Consumer<IQ> then) {
        try {
            Jid jid = JidCreate.from(to);
            question.setTo(jid);
            connection.sendIqRequestAsync(question, TIMEOUT)
                .onSuccess(answer -> loop.execute(() -> then.accept(answer)))
                .onError(error -> loop.execute(() -> then.accept(null)));
        } catch (Exception gone) {
            loop.execute(() -> then.accept(null));
        }
    }
}
