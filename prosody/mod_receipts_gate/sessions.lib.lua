-- The sessions of local users, and what happens to them.

local jid = require "util.jid";
local new_id = require "util.id".short;

local protocol = module:require "protocol";

return function (gate)

local ids = gate.state.session_ids or setmetatable({}, { __mode = "k" });
gate.state.session_ids = ids;
local shown = setmetatable({}, { __mode = "k" }); -- the priority last told, false when unavailable
local closed = setmetatable({}, { __mode = "k" }); -- true of sessions whose clients have closed their streams
local at_shutdown = setmetatable({}, { __mode = "k" }); -- true of those that were connected when the server began to shut down

--- Names the stream; the same after it was resumed.
local function id(session)
	ids[session] = ids[session] or new_id();
	return ids[session];
end

--- The attributes of <session/>.
local function describe(session, state)
	return {
		jid = session.full_jid; id = id(session); state = state;
		priority = tostring(session.priority or 0); sm = tostring(not not session.smacks);
	};
end

local function state_of(session)
	return session.hibernating and "detached" or session.presence and "available" or "bound";
end

local function tell(session, state)
	gate.leases.emit_to_all(protocol.event("session", describe(session, state)));
end

--- A stream is about to be closed. Prosody gives `false` for the reason when its client has closed it, and nil when the server does.
local function closing(session, reason)
	closed[session] = reason == false or nil;
end

local function gone(session)
	local attr = describe(session, "gone");
	-- Over BOSH there is no stream that its client could close: it says that the session is over.
	if closed[session] or session.bosh_terminate or at_shutdown[session] then
		attr.graceful = "true";
	end
	gate.leases.emit_to_all(protocol.event("session", attr));
end

--- Calls back with each session of one user, or of all.
local function each(callback, only)
	local users = prosody.hosts[module.host].sessions;
	for _, user in pairs(only and { users[only] } or users) do
		for _, session in pairs(user.sessions) do
			callback(session);
		end
	end
end

--- The server is about to end all sessions. Their clients live on, and have kept what they confirmed, but for those that are not connected.
local function shut_down()
	each(function (session)
		at_shutdown[session] = not session.hibernating or nil;
	end);
end

--- The sessions that the server may give what is for this address, each { jid, id }: the one that it names, if that is there.
local function takers(address)
	local own = prosody.full_sessions[address];
	if own then
		return { { jid = own.full_jid, id = id(own) } };
	end
	local found = {};
	each(function (session)
		if (session.priority or -1) >= 0 then
			table.insert(found, { jid = session.full_jid, id = id(session) });
		end
	end, jid.node(address));
	return found;
end

--- Whether a session is there that this address, of this bare JID, names.
local function takes_messages(address, bare)
	local user = prosody.bare_sessions[bare];
	return prosody.full_sessions[address] ~= nil or address == bare and user ~= nil and user.top_resources ~= nil;
end

--- Wraps presence/bare: what a client's presence has changed is known when it is handled.
local function presence(handlers, name, event)
	local result = handlers(name, event);
	local session = event.origin;
	if event.stanza.attr.to or session.type ~= "c2s" or not session.full_jid then
		return result;
	end
	local priority = session.presence and (session.priority or 0) or false;
	if (shown[session] or false) ~= priority then
		shown[session] = priority;
		tell(session, priority and "available" or "unavailable");
	end
	return result;
end

return {
	id = id;
	describe = describe;
	state_of = state_of;
	each = each;
	takers = takers;
	takes_messages = takes_messages;
	tell = tell;
	closing = closing;
	shut_down = shut_down;
	gone = gone;
	presence = presence;
};

end
