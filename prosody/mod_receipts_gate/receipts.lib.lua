-- Receipts (XEP-0184) and markers (XEP-0333) that are routed, not told by the component: the component may never have seen them.

local jid_bare = require "util.jid".bare;

local protocol = module:require "protocol";

return function (gate)

local function seen(by, id, from, to, session)
	for _, record in ipairs(gate.outcomes.take_named(jid_bare(to), jid_bare(from), id)) do
		gate.outcomes.saw(record, "has", { jid = from; session = gate.sessions.id(session); by = by; id = id; to = to });
	end
end

--- A client's message is about to be routed.
local function routed(event)
	local stanza, session = event.stanza, event.origin;
	for _, child in ipairs(stanza.tags) do
		local by, id = protocol.proof_in(child);
		if id then
			seen(by, id, stanza.attr.from, stanza.attr.to, session);
		end
	end
end

--- What passed while this module was not loaded.
local function catch_up()
	local missed = gate.state.receipts or {};
	gate.state.receipts = nil;
	for _, one in ipairs(missed) do
		seen(one.by, one.id, one.from, one.to, one.session);
	end
end

return { routed = routed; catch_up = catch_up };

end
