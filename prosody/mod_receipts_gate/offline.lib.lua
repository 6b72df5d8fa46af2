-- Messages in the server's offline storage, and their flush. The storage keeps no mark of ours: what is flushed is recognised
-- by its signature, in the order in which it was stored.

local protocol = module:require "protocol";

return function (gate)

-- By user name: lists of { record, copy, signature, username }. A record names those of its own, with which they are forgotten: not
-- every user comes back.
local stored_for = gate.state.offline or {};
gate.state.offline = stored_for;

local flushing = setmetatable({}, { __mode = "k" }); -- sessions whose flush is under way

local function belongs(one, username)
	one.username = username;
	one.record.stored = one.record.stored or {};
	table.insert(one.record.stored, one);
end

local function stored(username, record, copy, signature)
	-- Asked for no more while it was on its way there.
	if record.forgotten then
		return
	end
	local one = { record = record; copy = copy; signature = signature };
	stored_for[username] = stored_for[username] or {};
	table.insert(stored_for[username], one);
	belongs(one, username);
end

--- Nothing more is wanted of that message: what the server gives of it is any other's.
local function forget(record)
	local own = record.stored or {};
	record.stored = nil;
	for _, one in ipairs(own) do
		local list = stored_for[one.username] or {};
		for i, other in ipairs(list) do
			if other == one then
				table.remove(list, i);
				break
			end
		end
		if not list[1] then
			stored_for[one.username] = nil;
		end
	end
end

-- Of a version that kept them for as long as their recipients were away.
local function catch_up()
	for username, list in pairs(stored_for) do
		for i = #list, 1, -1 do
			if list[i].record.forgotten then
				table.remove(list, i);
			elseif not list[i].username then
				belongs(list[i], username);
			end
		end
		if not list[1] then
			stored_for[username] = nil;
		end
	end
end
catch_up();

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
	forget = forget;
	observe = observe;
	flush = flush;
};

end
