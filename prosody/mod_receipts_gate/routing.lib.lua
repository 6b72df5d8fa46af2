-- Lets a held message go the way it would have gone, and sees what becomes of it.
-- What is seen belongs to the coroutine that routes, since others may route in between while one waits for a storage.

local jid = require "util.jid";
local xpcall = require "util.xpcall".xpcall;

local faults = module:require "faults";
local protocol = module:require "protocol";

return function (gate)

local seen_by = setmetatable({}, { __mode = "k" });

local function thread()
	return coroutine.running() or "main";
end

-- For a sender who has left in the meantime: his archive and his other devices get what they would have got.
local function stand_in(stanza)
	local username, host, resource = jid.split(stanza.attr.from);
	return {
		type = "c2s"; username = username; host = host; resource = resource; full_jid = stanza.attr.from; log = module._log;
		send = function (reply)
			gate.routing.observe(reply);
			return module:send(reply);
		end;
		close = function () end;
	};
end

--- Fires the events that were left when the message was held, with the same event data.
local function go_on(event)
	local events = prosody.hosts[module.host].events;
	local kind = jid.resource(event.stanza.attr.to) and "full" or "bare";
	if not events.fire_event("pre-message/"..kind, event) then
		events.fire_event("message/"..kind, event);
	end
end

local function outcome_of(seen, ok)
	local states = {};
	if seen.sessions[1] then table.insert(states, "sent"); end
	if seen.offline then table.insert(states, "offline"); end
	if seen.condition then table.insert(states, "bounced"); end
	-- Routed to its end, a message reaches mod_message; whoever took it before that discarded it.
	if not states[1] and ok and not seen.reached then table.insert(states, "refused"); end
	return {
		copy = "1";
		state = states[1] and table.concat(states, " ") or "unknown";
		condition = seen.condition;
		sessions = seen.sessions;
	};
end

--- Lets go. With a record the message is tagged: what becomes of it is seen and told.
-- `acknowledged`: its sender is told that it is stored.
local function release(event, record, acknowledged)
	if event.origin.destroyed then
		event.origin = stand_in(event.stanza);
	end
	if not record then
		go_on(event);
		return
	end
	local seen = { record = record; signature = protocol.signature(event.stanza); sessions = {} };
	seen_by[thread()] = seen;
	local ok, place = xpcall(go_on, faults.place, event);
	seen_by[thread()] = nil;
	if not ok then
		module:log("error", "Routing a message failed: %s", place);
	end
	local outcome = outcome_of(seen, ok);
	outcome.acknowledged = acknowledged;
	gate.outcomes.conclude(record, outcome);
end

--- Sees a stanza that is about to be written to a client's session.
local function observe(stanza, session)
	local seen = seen_by[thread()];
	if not seen then
		return
	end
	local expected = seen.signature;
	if stanza.attr.type == "error" then
		if stanza.attr.id == expected.id and stanza.attr.to == expected.from then
			local _, condition = stanza:get_error();
			seen.condition = condition or "undefined-condition";
		end
	elseif session and protocol.has_signature(stanza, expected) then
		table.insert(seen.sessions, { jid = session.full_jid, id = gate.sessions.id(session) });
		gate.proofs.track(session, seen.record, "1", expected);
	end
end

--- Wraps message/offline/handle.
local function store_offline(handlers, name, event)
	local seen = seen_by[thread()];
	local ok = handlers(name, event);
	if seen and ok and protocol.has_signature(event.stanza, seen.signature) then
		seen.offline = true;
		gate.offline.stored(event.username, seen.record, "1", seen.signature);
	end
	return ok;
end

--- After all filters, before mod_message.
local function reached()
	local seen = seen_by[thread()];
	if seen then
		seen.reached = true;
	end
end

return {
	release = release;
	observe = observe;
	store_offline = store_offline;
	reached = reached;
};

end
