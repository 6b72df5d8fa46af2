-- Receipts (XEP-0184) and markers (XEP-0333) that are routed, not told by the component: the component may never have seen them.

local jid_bare = require "util.jid".bare;

local protocol = module:require "protocol";

return function (gate)

local function seen(by, id, from, to, session)
	for _, record in ipairs(gate.outcomes.take_named(jid_bare(to), jid_bare(from), id)) do
		gate.proofs.confirmed(session, record);
		gate.outcomes.saw(record, "has", { jid = from; session = gate.sessions.id(session); by = by; id = id; to = to });
	end
	if by == "receipt" then
		gate.unheld.confirmed(jid_bare(to), jid_bare(from), id, from);
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

--- Whether a message says nothing but that others have arrived.
local function is_proof(stanza)
	local found = false;
	for _, child in ipairs(stanza.tags) do
		if protocol.proof_in(child) then
			found = true;
		elseif not protocol.is_trifle(child) then
			return false;
		end
	end
	return found;
end

--- Whether it need not be shown: the component is told by `has` of all that it names, and who is told is there. What is owed to
-- one who is away, and what is not known here, is the component's to decide.
local function need_not_be_shown(stanza, from, to)
	for _, child in ipairs(stanza.tags) do
		local by, id = protocol.proof_in(child);
		if by and not (id and gate.outcomes.is_named(to, from, id)) then
			return false;
		end
	end
	return is_proof(stanza) and gate.sessions.takes_messages(stanza.attr.to, to);
end

--- What passed while this module was not loaded.
local function catch_up()
	local missed = gate.state.receipts or {};
	gate.state.receipts = nil;
	for _, one in ipairs(missed) do
		seen(one.by, one.id, one.from, one.to, one.session);
	end
end

return { routed = routed; is_proof = is_proof; need_not_be_shown = need_not_be_shown; catch_up = catch_up };

end
