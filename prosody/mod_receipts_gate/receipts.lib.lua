-- Receipts (XEP-0184) and markers (XEP-0333) that are routed, not told by the component: the component may never have seen them.

local jid_bare = require "util.jid".bare;

local protocol = module:require "protocol";

return function (gate)

--- Whether this session may have had what was let go without a verdict: nobody has seen it. What went to nobody who was there may
-- come to any from the server's storage.
local function may_have(session, record)
	local takers = record.takers or {};
	for _, one in ipairs(takers) do
		if one.id == gate.sessions.id(session) then
			return true;
		end
	end
	return record.passed and not takers[1];
end

local function was_given(session, record)
	for _, item in ipairs(record.items) do
		if item.session == session then
			return true;
		end
	end
	return false;
end

local function is_confirmed_by(record, by)
	return next(record.confirmed[by] or {}) ~= nil;
end

local function is_confirmed(record)
	return is_confirmed_by(record, "receipt") or is_confirmed_by(record, "marker");
end

--- Whether that session has confirmed it so. Another device of the same user confirms each of several by itself.
local function has_confirmed(session, record, by)
	local sessions = record.confirmed[by];
	return sessions ~= nil and sessions[gate.sessions.id(session)] == true;
end

--- The oldest of these that this session was given, or may have been, and has not confirmed by the same (a receipt or a marker). What
-- comes from a session that was given none of them (it may have had a carbon, or looked into an archive) is for the oldest of all; or
-- for one that is not among them, where there are too many.
local function first_of(all, are_some, by, session)
	local is_here = false;
	for _, record in ipairs(all) do
		if may_have(session, record) or was_given(session, record) then
			is_here = true;
			if not has_confirmed(session, record, by) then
				return record;
			end
		end
	end
	for _, record in ipairs((is_here or are_some) and {} or all) do
		if not is_confirmed_by(record, by) then
			return record;
		end
	end
end

--- The records of the one message that a receipt or a marker is for. It names an id, which several may have: one message that was
-- written again while verdicts were lost, or different ones, of a client that uses an id again. Clients confirm in the order in
-- which they read, so what did not arrive is never taken for confirmed by what was said of another. What was let go without a
-- verdict and says the same is the same message; one that was given the verdict `stored` is a message by itself.
local function confirmed_by(by, id, from, to, session)
	local all, are_some = gate.outcomes.named(from, to, id);
	if not all[2] then
		return all;
	end
	local first = first_of(all, are_some, by, session);
	local numbers, has_stored = { first }, first and not first.passed;
	for _, other in ipairs(first and all or {}) do
		if other ~= first and other.words == first.words and not is_confirmed_by(other, by) and (other.passed or not has_stored) then
			table.insert(numbers, other);
			has_stored = has_stored or not other.passed;
		end
	end
	return numbers;
end

--- Whether an original is among these that nobody has confirmed. Of what is known by its copy alone the component may have told a
-- receipt already.
local function is_open(records)
	for _, record in ipairs(records) do
		if not is_confirmed(record) and not record.by_copy then
			return true;
		end
	end
	return false;
end

local function seen(by, id, from, to, session)
	for _, record in ipairs(confirmed_by(by, id, jid_bare(to), jid_bare(from), session)) do
		local is_news = not is_confirmed(record);
		record.confirmed[by] = record.confirmed[by] or {};
		record.confirmed[by][gate.sessions.id(session)] = true;
		gate.proofs.confirmed(session, record);
		if is_news then
			gate.outcomes.saw(record, "has", { jid = from; session = gate.sessions.id(session); by = by; id = id; to = to });
		end
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
local function need_not_be_shown(stanza, session, from, to)
	for _, child in ipairs(stanza.tags) do
		local by, id = protocol.proof_in(child);
		if by and not (id and is_open(confirmed_by(by, id, to, from, session))) then
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
