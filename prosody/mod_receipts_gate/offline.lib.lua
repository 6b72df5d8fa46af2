-- Messages in the server's offline storage, and their flush. The storage keeps no mark of ours: what is flushed is recognised
-- by its signature, in the order in which it was stored.

local protocol = module:require "protocol";

return function (gate)

local stored_for = gate.state.offline or {}; -- by user name: lists of { record, copy, signature }
gate.state.offline = stored_for;

local flushing = setmetatable({}, { __mode = "k" }); -- sessions whose flush is under way

local function stored(username, record, copy, signature)
	stored_for[username] = stored_for[username] or {};
	table.insert(stored_for[username], { record = record; copy = copy; signature = signature });
end

--- Sees a stanza that is about to be written to a client's session.
local function observe(stanza, session)
	local flush = flushing[session];
	if not flush or flush.thread ~= coroutine.running() then
		return
	end
	local list = stored_for[session.username] or {};
	for i, one in ipairs(list) do
		if protocol.has_signature(stanza, one.signature) then
			table.remove(list, i);
			table.insert(flush, one);
			gate.proofs.track(session, one.record, one.copy, one.signature);
			return
		end
	end
	gate.notes.flushed(stanza, session);
end

--- Wraps message/offline/broadcast.
local function flush(handlers, name, event)
	local session = event.origin;
	local username = session.username;
	local flushed = { thread = coroutine.running() };
	flushing[session] = flushed;
	local result = handlers(name, event);
	flushing[session] = nil;
	-- The flush empties the storage: what was not seen by now never comes.
	if flushed[1] then
		stored_for[username] = nil;
	end
	for _, one in ipairs(flushed) do
		gate.outcomes.saw(one.record, "flushed", { jid = session.full_jid; session = gate.sessions.id(session) });
	end
	return result;
end

return {
	stored = stored;
	observe = observe;
	flush = flush;
};

end
