package receipts.gate.core;

import java.util.Locale;

/** State and counts as HTML, which the admin console puts into its frame. Nothing of any message is in it. */
public final class StatusPage {
    private StatusPage() {
    }

    /** @param counts null when the gate does not run */
    public static String html(Counts counts, Settings settings, String version) {
        StringBuilder html = new StringBuilder("<html><head><title>Receipts Gate</title><meta name=\"pageID\" content=\"receipts-gate\"/></head><body>");
        if (counts == null) return html.append("<p>The gate does not run.</p></body></html>").toString();
        html.append("<p><b>").append(text(state(counts, settings))).append("</b></p>");
        table(html, "State",
            "Version", version,
            "Connections that hold", Integer.toString(counts.leases),
            "Messages held now", number(counts.held) + " (" + number(counts.heldBytes) + " bytes)",
            "Most that may be held", number(settings.maxHeld) + " (" + number(settings.maxHeldBytes) + " bytes), and a tenth of it of one sender",
            "Messages remembered", number(counts.remembered) + " of at most " + number(settings.remembered),
            "Conversations in which something waits", number(counts.conversations),
            "Sessions of users", number(counts.sessions));
        table(html, "Since the plugin was loaded",
            "Shown to the component", number(counts.shown),
            "Stored by it, and let go", number(counts.stored),
            "Let go without being stored", number(counts.passed),
            "Dropped: duplicates, and receipts that it tells itself", number(counts.dropped),
            "Passed without being shown", number(counts.unheld),
            "Sent again", number(counts.delivered),
            "Receipts and errors told", number(counts.told));
        table(html, "Breaker",
            "Longest time that a message is held", settings.timeout + " ms",
            "Times that holding has ended", number(counts.opened),
            "Last time", counts.lastOpened == null ? "never" : ended(counts.lastOpened) + ", " + counts.sinceOpened / 1000 + " s ago");
        return html.append("</body></html>").toString();
    }

    private static String state(Counts counts, Settings settings) {
        if (counts.leases > 0) return "Messages are held for " + settings.component + ".";
        return settings.component + " is not here: messages " + (settings.failClosed ? "are refused" : "pass, and nobody stores them") + '.';
    }

    private static String ended(String why) {
        switch (why) {
            case "closed": return "the component's connection was closed";
            case "silence": return "the component said nothing";
            case "timeout": return "the component answered nothing in time";
            case "overflow": return "the component read too little";
            case "disabled": return "the component asked for it";
            case "cluster": return "clustering was started";
            default: return why;
        }
    }

    private static void table(StringBuilder html, String title, String... rows) {
        html.append("<div class=\"jive-table\" style=\"margin-bottom:1.5em\"><table cellpadding=\"0\" cellspacing=\"0\" border=\"0\" width=\"100%\">")
            .append("<thead><tr><th colspan=\"2\">").append(text(title)).append("</th></tr></thead><tbody>");
        for (int i = 0; i < rows.length; i += 2)
            html.append("<tr><td width=\"40%\">").append(text(rows[i])).append("</td><td>").append(text(rows[i + 1])).append("</td></tr>");
        html.append("</tbody></table></div>");
    }

    /** With commas, as the page is in English. */
    private static String number(long any) {
        return String.format(Locale.ROOT, "%,d", any);
    }

    private static String text(String any) {
        return any.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;");
    }
}
