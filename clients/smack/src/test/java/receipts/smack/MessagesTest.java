package receipts.smack;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import org.jivesoftware.smack.packet.Message;
import org.jivesoftware.smack.packet.StanzaBuilder;
import org.jivesoftware.smack.util.PacketParserUtils;
import org.junit.jupiter.api.Test;

/** What is read from messages, how copies are known, and what is written. */
class MessagesTest {
    private static final String COMPONENT = "receipts.example.org";
    private static final String UUID = "6f1c1c1e-6d9a-4a53-9b57-2f6a3d1f0c11";

    private static Message parse(String xml) throws Exception {
        return PacketParserUtils.parseStanza(xml.replace("<message", "<message xmlns='jabber:client'"));
    }

    private static Notices read(String xml) throws Exception {
        return new Notices(parse(xml), COMPONENT);
    }

    private static String only(Notices notices) {
        assertEquals(1, notices.updates.size());
        StatusUpdate update = notices.updates.get(0);
        return update.id + " " + update.to + " " + update.state;
    }

    @Test
    void theComponentsAcknowledgementIsStoredAndNeverDelivered() throws Exception {
        String from = "<message from='receipts.example.org' type='chat'>";
        String stored = "<stored xmlns='urn:openfire-receipts:0' id='1' to='bob@receipts.example.org'/>";
        String received = "<received xmlns='urn:xmpp:receipts' id='1'/>";
        assertEquals("1 bob@receipts.example.org pending", only(read(from + stored + received + "</message>")));
        assertEquals("1 null pending", only(read(from + received + "</message>")));
        assertFalse(read(from + "<body>Hello</body></message>").content);
    }

    @Test
    void aReceiptIsFromWhoItIsFrom() throws Exception {
        String receipts = "<received xmlns='urn:xmpp:receipts' id='1'/><received xmlns='urn:xmpp:receipts' id='2'/>";
        Notices read = read("<message from='bob@receipts.example.org/x' type='chat'>" + receipts + "</message>");
        assertEquals(2, read.updates.size());
        assertEquals("2", read.updates.get(1).id);
        assertEquals("bob@receipts.example.org/x", read.updates.get(0).to);
        assertEquals("delivered", read.updates.get(0).state);
        assertFalse(read.content);
    }

    @Test
    void nobodyElseSaysThatAMessageIsStored() throws Exception {
        String stored = "<stored xmlns='urn:openfire-receipts:0' id='1' to='bob@receipts.example.org'/></message>";
        assertEquals(0, read("<message from='eve@receipts.example.org/x' type='chat'>" + stored).updates.size());
        assertEquals(0, read("<message from='bob@receipts.example.org/x' type='chat'>" + stored).updates.size());
        // ACK_FROM=recipient
        assertEquals(1, read("<message from='bob@receipts.example.org' type='chat'>" + stored).updates.size());
    }

    @Test
    void anErrorMayPassOrNot() throws Exception {
        String error = "<message from='bob@receipts.example.org' type='error' id='1'><error type='%s'>"
            + "<%s xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>%s</error></message>";
        Message wait = parse(String.format(error, "wait", "resource-constraint", ""));
        assertNull(Notices.failure(wait, true, true));
        assertEquals(Failure.Reason.REJECTED, Notices.failure(wait, false, false).reason);
        Message away = parse(String.format(error, "cancel", "remote-server-not-found", ""));
        assertNull(Notices.failure(away, true, true));
        assertEquals("rejected (remote-server-not-found)", Notices.failure(away, true, false).toString());
        Message expired =
            parse(String.format(error, "wait", "remote-server-timeout", "<expired xmlns='urn:openfire-receipts:0'/>"));
        assertEquals(Failure.Reason.EXPIRED, Notices.failure(expired, true, true).reason);
    }

    private static String key(String attributes, String content, String... taken) throws Exception {
        Message message = parse("<message " + attributes + ">" + content + "</message>");
        Set<String> known = new HashSet<>(Arrays.asList(taken));
        String origin = Stanzas.attribute(message, "origin-id", Names.SID, "id");
        return SeenMessages.key(message.getFrom().toString(), message.getStanzaId(), origin, Stanzas.payload(message),
            1_000_000_000, known::contains);
    }

    @Test
    void copiesHaveOneKey() throws Exception {
        String from = "from='bob@receipts.example.org/x' type='chat' id='" + UUID + "'";
        String key = key(from, "<body>Hello</body><request xmlns='urn:xmpp:receipts'/>");
        String later = "<body>Hello</body><delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'/>";
        assertEquals(key, key(from.replace("/x", "/y"), later));
        assertNotEquals(key, key(from, "<body>Goodbye</body>"));
        assertNotEquals(key, key(from.replace("bob", "carol"), later));
        String one = "<e xmlns='urn:example' a='1' b='2'><f/>text</e>";
        String other = "<e b='2' a='1' xmlns='urn:example'><f></f>text</e>";
        assertEquals(key(from, one), key(from, other));
        assertNotEquals(key(from, one), key(from, other.replace("text", "Text")));
    }

    @Test
    void aCountedIdIsOneOfItsResourceAndTime() throws Exception {
        String from = "from='bob@receipts.example.org/x' type='chat' id='1'";
        String key = key(from, "<body>Hello</body>");
        assertEquals(key, key(from, "<body>Hello</body>", key));
        assertNotEquals(key, key(from.replace("/x", "/y"), "<body>Hello</body>", key));
        long slot = Long.parseLong(key.substring(key.lastIndexOf(' ') + 1));
        String before = key.substring(0, key.lastIndexOf(' ') + 1) + (slot - 1);
        assertEquals(before, key(from, "<body>Hello</body>", before));
        assertNull(key("from='bob@receipts.example.org/x' type='chat'", "<body>Hello</body>"));
    }

    @Test
    void whatIsWrittenAsksForAReceiptAndBreaksNoStream() throws Exception {
        Message message = StanzaBuilder.buildMessage(UUID).to("bob@receipts.example.org").ofType(Message.Type.chat)
            .setBody("a ]]> b \u0001 👋").build();
        String text = Sender.prepare(message);
        assertTrue(text.contains("]]&gt;"), text);
        Message read = PacketParserUtils.parseStanza(text);
        assertEquals("a ]]> b  👋", read.getBody());
        assertTrue(read.hasExtension("request", Names.RECEIPTS));
        assertEquals(UUID, Stanzas.attribute(read, "origin-id", Names.SID, "id"));
        assertTrue(Stanzas.toStanza(text).toXML().toString().contains("]]&gt;"));
        assertEquals(UUID, Stanzas.toStanza(text).getStanzaId());
        assertTrue(Stanzas.with(text, Names.TAKES_BATCHES).endsWith("<batch xmlns='urn:openfire-receipts:0'/></message>"));
    }

    @Test
    void whatCannotBeSentIsRefused() throws Exception {
        Message nobody = StanzaBuilder.buildMessage(UUID).ofType(Message.Type.chat).setBody("a").build();
        assertThrows(SendException.class, () -> Sender.prepare(nobody));
        Message room =
            StanzaBuilder.buildMessage(UUID).to("room@example.org").ofType(Message.Type.groupchat).setBody("a").build();
        assertThrows(SendException.class, () -> Sender.prepare(room));
        String much = new String(new char[200_000]).replace('\0', 'a');
        Message large = StanzaBuilder.buildMessage(UUID).to(room.getTo()).ofType(Message.Type.chat).setBody(much).build();
        assertEquals("rejected (policy-violation: Too large)",
            assertThrows(SendException.class, () -> Sender.prepare(large)).failure.toString());
    }

    @Test
    void entriesOfTheStoreAreCheckedWhenTheyAreRead() {
        SeenEntry owed = new SeenEntry(5, true, new DueReceipt("bob@example.org/x", "1", null));
        assertEquals("1", Entries.readSeen(Entries.write(owed)).owed.id);
        assertNull(Entries.readSeen(Entries.write(owed)).owed.type);
        assertTrue(Entries.readSeen(Entries.write(new SeenEntry(5, true, null))).confirmed);
        for (String wrong : new String[] {"", "x", "5\u001ftrue\u001fx", "\u001f\u001f\u001f\u001f"})
            assertNull(Entries.readSeen(wrong));
        for (String wrong : new String[] {"", "bob", Entries.write(new Item("1", "bob", 5)).replace("QUEUED", "QUEUE")})
            assertNull(Entries.readItem("1", wrong));
    }
}
