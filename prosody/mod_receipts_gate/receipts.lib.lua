-- Receipts (XEP-0184) and markers (XEP-0333) that are routed, not told by the component: the component may never have seen them.

local jid_bare = require "util.jid".bare;

local NS_RECEIPTS, NS_MARKERS = "urn:xmpp:receipts", "urn:xmpp:chat-markers:0";

return function (gate)

--- What a child of a message proves, and the id of the message that it names.
local function named_by(child)
	local xmlns, id = child.attr.xmlns, child.attr.id;
	if xmlns == NS_RECEIPTS and child.name == "received" then
		return "receipt", id;
	elseif xmlns == NS_MARKERS and child.name ~= "markable" then
		return "marker", id;
	end
end

--- A client's message is about to be routed.
local function routed(event)
	local stanza, session = event.stanza, event.origin;
	for _, child in ipairs(stanza.tags) do
		local by, id = named_by(child);
		if id then
			for _, record in ipairs(gate.outcomes.take_named(jid_bare(stanza.attr.to), jid_bare(stanza.attr.from), id)) do
				gate.outcomes.saw(record, "has", {
					jid = stanza.attr.from; session = gate.sessions.id(session); by = by; id = id; to = stanza.attr.to;
				});
			end
		end
	end
end

return { routed = routed };

end
