package chat;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.security.cert.X509Certificate;
import java.util.LinkedHashMap;
import java.util.Map;
import javax.net.ssl.X509TrustManager;
import org.jivesoftware.smack.ConnectionConfiguration.SecurityMode;
import org.jivesoftware.smack.ConnectionListener;
import org.jivesoftware.smack.ReconnectionManager;
import org.jivesoftware.smack.XMPPConnection;
import org.jivesoftware.smack.chat2.ChatManager;
import org.jivesoftware.smack.filter.MessageTypeFilter;
import org.jivesoftware.smack.filter.StanzaExtensionFilter;
import org.jivesoftware.smack.packet.ExtensionElement;
import org.jivesoftware.smack.packet.Message;
import org.jivesoftware.smack.packet.Presence;
import org.jivesoftware.smack.packet.Stanza;
import org.jivesoftware.smack.packet.StandardExtensionElement;
import org.jivesoftware.smack.tcp.XMPPTCPConnection;
import org.jivesoftware.smack.tcp.XMPPTCPConnectionConfiguration;
import org.jivesoftware.smackx.delay.packet.DelayInformation;
import org.jivesoftware.smackx.ping.PingManager;
import org.jivesoftware.smackx.receipts.DeliveryReceipt;
import org.jivesoftware.smackx.receipts.DeliveryReceiptManager;
import org.jivesoftware.smackx.receipts.DeliveryReceiptManager.AutoReceiptMode;
import org.jivesoftware.smackx.receipts.DeliveryReceiptRequest;
import org.jxmpp.jid.impl.JidCreate;

/**
 * A chat as Smack's readers write it: a listener for receipts, automatic receipts, stream management with resumption.
 * It is worked by JSON lines: commands on stdin ({"do": NAME, ...}, see main), what happens on stdout ({"event": NAME, ...}).
 */
public final class Chat {
    private static final String OURS = "urn:openfire-receipts:0";
    private static final Gson GSON = new Gson();
    private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

    private final XMPPTCPConnection connection;

    private Chat(JsonObject login) throws Exception {
        XMPPTCPConnection.setUseStreamManagementDefault(true);
        XMPPTCPConnection.setUseStreamManagementResumptionDefault(true);
        boolean trusts = login.get("trusts").getAsBoolean();
        XMPPTCPConnectionConfiguration.Builder configuration = XMPPTCPConnectionConfiguration.builder()
            .setHost(text(login, "host"))
            .setPort(login.get("port").getAsInt())
            .setXmppDomain(text(login, "domain"))
            .setUsernameAndPassword(text(login, "user"), text(login, "password"))
            .setResource(text(login, "resource"))
            // TLS is taken where the certificate is to be trusted, whoever has signed it.
            .setSecurityMode(trusts ? SecurityMode.ifpossible : SecurityMode.disabled);
        if (trusts) {
            configuration.setCustomX509TrustManager(new TrustsAll());
            configuration.setHostnameVerifier((host, session) -> true);
        }
        connection = new XMPPTCPConnection(configuration.build());
        ReconnectionManager reconnection = ReconnectionManager.getInstanceFor(connection);
        reconnection.setFixedDelay(1);
        reconnection.enableAutomaticReconnection();
        connection.addConnectionListener(new ConnectionListener() {
            @Override
            public void authenticated(XMPPConnection authenticated, boolean resumed) {
                report(resumed ? "resumed" : "authenticated");
            }

            @Override
            public void connectionClosedOnError(Exception error) {
                report("cut", "why", error.toString());
            }
        });

        DeliveryReceiptManager receipts = DeliveryReceiptManager.getInstanceFor(connection);
        receipts.setAutoReceiptMode(AutoReceiptMode.valueOf(text(login, "receipts")));
        // Called with each receipt, whoever it is from. The proxy's acknowledgement has a <stored/> beside it.
        receipts.addReceiptReceivedListener((from, to, id, receipt) ->
            report("receipt", "about", id, "from", from.toString(), "to", to.toString(), "stored", isStored(receipt)));
        // The listener above runs on threads of a pool; this one on one thread, in the order of the stream.
        connection.addSyncStanzaListener(
            stanza -> report("ticked", "about", stanza.getExtension(DeliveryReceipt.class).getId(),
                "from", stanza.getFrom().toString()),
            new StanzaExtensionFilter(DeliveryReceipt.ELEMENT, DeliveryReceipt.NAMESPACE));
        // The proxy's acknowledgement, whether or not it is a receipt as well (ACK_FORMAT).
        connection.addSyncStanzaListener(
            stanza -> report("stored",
                "about", ((StandardExtensionElement) stanza.getExtensionElement("stored", OURS)).getAttributeValue("id")),
            new StanzaExtensionFilter("stored", OURS));
        ChatManager.getInstanceFor(connection).addIncomingListener((from, message, chat) ->
            report("message", "body", message.getBody(), "id", message.getStanzaId(), "type", message.getType().toString(),
                "from", message.getFrom().toString(), "to", message.getTo().toString(), "delay", delay(message)));
        connection.addSyncStanzaListener(
            stanza -> report("error", "id", stanza.getStanzaId(), "from", stanza.getFrom().toString(),
                "condition", stanza.getError().getCondition().toString(), "text", stanza.getError().getDescriptiveText()),
            MessageTypeFilter.ERROR);
    }

    private void login() throws Exception {
        connection.connect().login();
        // XEP-0198: the server has it.
        connection.addStanzaAcknowledgedListener(stanza -> {
            if (stanza instanceof Message && ((Message) stanza).getBody() != null) {
                report("taken", "id", stanza.getStanzaId());
            }
        });
        // A server handles a client's stanzas in order: with the answer it takes us for present.
        PingManager.getInstanceFor(connection).pingMyServer();
        report("session", "jid", connection.getUser().toString(), "resumable", connection.isSmResumptionPossible());
    }

    private void send(String to, String body) throws Exception {
        var message = connection.getStanzaFactory().buildMessageStanza()
            .to(JidCreate.from(to)).ofType(Message.Type.chat).setBody(body);
        DeliveryReceiptRequest.addTo(message);
        Message built = message.build();
        connection.sendStanza(built);
        report("sent", "id", built.getStanzaId());
    }

    private void logout() throws Exception {
        connection.disconnect(connection.getStanzaFactory().buildPresenceStanza().ofType(Presence.Type.unavailable).build());
        report("disconnected");
    }

    private static boolean isStored(Stanza stanza) {
        return stanza.hasExtension("stored", OURS);
    }

    private static String delay(Message message) {
        ExtensionElement delay = message.getExtension(DelayInformation.class);
        return delay == null ? null : ((DelayInformation) delay).getStamp().toInstant().toString();
    }

    private static String text(JsonObject command, String name) {
        return command.get(name).getAsString();
    }

    private static synchronized void report(String event, Object... fields) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("event", event);
        for (int i = 0; i < fields.length; i += 2) line.put((String) fields[i], fields[i + 1]);
        OUT.println(GSON.toJson(line));
    }

    private static final class TrustsAll implements X509TrustManager {
        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type) {}

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }

    public static void main(String[] args) throws Exception {
        var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        Chat chat = null;
        // Its end is the end of the test.
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            JsonObject command = JsonParser.parseString(line).getAsJsonObject();
            String name = text(command, "do");
            try {
                switch (name) {
                    case "login":
                        chat = new Chat(command);
                        chat.login();
                        break;
                    case "send":
                        chat.send(text(command, "to"), text(command, "body"));
                        break;
                    case "logout":
                        chat.logout();
                        break;
                    default:
                        throw new IllegalArgumentException(name);
                }
            } catch (Exception error) {
                report(name.equals("login") ? "refused" : "failed", "command", name, "why", error.toString());
            }
        }
        System.exit(0);
    }
}
