import java.io.BufferedReader;
import java.io.Console;
import java.io.File;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Iterator;
import org.jivesoftware.smack.ConnectionConfiguration.SecurityMode;
import org.jivesoftware.smack.ReconnectionManager;
import org.jivesoftware.smack.tcp.XMPPTCPConnection;
import org.jivesoftware.smack.tcp.XMPPTCPConnectionConfiguration;
import org.jxmpp.jid.BareJid;
import org.jxmpp.jid.impl.JidCreate;
import receipts.smack.FileStore;
import receipts.smack.Receipts;
import receipts.smack.Tracked;

/**
 * A chat on the command line. Arguments: {@code ADDRESS [--password P] [--host H] [--port N] [--resource R] [--store FILE]
 * [--plain]}, the last for a server without TLS. A line "ADDRESS TEXT" sends a text; "/pending" shows what has not ended; the
 * end of the input ends it, and what is not done is done at the next start.
 */
public final class ChatDemo {
    private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

    private ChatDemo() {}

    public static void main(String[] args) throws Exception {
        BareJid user = JidCreate.bareFrom(args[0]);
        String password = null;
        String host = null;
        int port = 5222;
        String resource = "demo";
        File file = new File(user + ".receipts");
        SecurityMode security = SecurityMode.required;
        for (Iterator<String> rest = Arrays.asList(args).listIterator(1); rest.hasNext(); ) {
            switch (rest.next()) {
                case "--password": password = rest.next(); break;
                case "--host": host = rest.next(); break;
                case "--port": port = Integer.parseInt(rest.next()); break;
                case "--resource": resource = rest.next(); break;
                case "--store": file = new File(rest.next()); break;
                case "--plain": security = SecurityMode.disabled; break;
                default: throw new IllegalArgumentException("An unknown option");
            }
        }
        Console console = System.console();
        if (password == null && console != null) password = new String(console.readPassword("Password: "));

        XMPPTCPConnectionConfiguration.Builder configuration = XMPPTCPConnectionConfiguration.builder()
            .setXmppDomain(user.asDomainBareJid())
            .setUsernameAndPassword(user.getLocalpartOrThrow(), password)
            .setResource(resource)
            .setPort(port)
            .setSecurityMode(security);
        if (host != null) configuration.setHost(host);
        XMPPTCPConnection connection = new XMPPTCPConnection(configuration.build());
        connection.setUseStreamManagement(true);
        connection.setUseStreamManagementResumption(true);
        ReconnectionManager.getInstanceFor(connection).enableAutomaticReconnection();

        Receipts receipts = Receipts.on(connection, new FileStore(file));
        receipts.addStoredListener(message -> say("stored", message, message.storedBy));
        receipts.addDeliveredListener(message -> say("delivered", message, message.to));
        receipts.addFailedListener(message -> say("failed", message, message.failure));
        receipts.addResendListener(message -> say("sent again", message, message.attempts));
        receipts.addProblemListener(problem -> OUT.println("problem: " + problem.kind + " " + problem.error));
        // When this returns, the message counts as received. A real program writes it to its database.
        receipts.setMessageHandler(message -> OUT.println("message " + message.from + ": " + message.body));

        // What is typed before it is connected waits in the store.
        Thread input = new Thread(() -> read(receipts), "input");
        // So that the program ends where it cannot log in.
        input.setDaemon(true);
        input.start();
        connection.connect().login();
        OUT.println("online " + connection.getUser());
        input.join();
        receipts.close();
        connection.disconnect();
        System.exit(0);
    }

    private static void read(Receipts receipts) {
        try {
            BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (line.equals("/pending")) {
                    for (Tracked message : receipts.pending()) say("pending", message, message.state);
                    continue;
                }
                String[] words = line.split(" ", 2);
                if (words.length == 2) OUT.println("sent " + receipts.send(JidCreate.bareFrom(words[0]), words[1]));
            }
        } catch (Exception error) {
            OUT.println("not sent: " + error);
        }
    }

    private static void say(String what, Tracked message, Object more) {
        OUT.println(what + " " + message.id + " " + more);
    }
}
