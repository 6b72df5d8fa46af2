-- Several connections of the component's domain at once, which mod_component does not take: each process of the component has one.
-- What is for the domain goes to one of them, by its sender, so that its order is kept; an answer goes to whoever asked.

local jid_bare = require "util.jid".bare;
local sha1 = require "util.hashes".sha1;

local settings = module:require "settings";

local MOST_ASKED = 10000;
local FIRST = 1000;

return function (gate)

-- asked: which connection sent a request of that id; two tables, of which the older one is given up when the newer one is full.
local state = gate.state.connections or { sessions = {}, asked = {}, asked_before = {}, count = 0 };
gate.state.connections = state;
local sessions = state.sessions;

--- Sees a request of the component to this host or its users.
local function note_request(event)
	local session, attr = event.origin, event.stanza.attr;
	if session.type == "component" and session.host == settings.component and attr.id and (attr.type == "get" or attr.type == "set") then
		if state.count >= MOST_ASKED then
			state.asked, state.asked_before, state.count = {}, state.asked, 0;
		end
		state.asked[attr.id], state.count = session, state.count + 1;
	end
end

local function session_for(stanza)
	local kind = stanza.attr.type;
	if stanza.name == "iq" and (kind == "result" or kind == "error") then
		local session = state.asked[stanza.attr.id] or state.asked_before[stanza.attr.id];
		if session and not session.destroyed then
			return session;
		end
	end
	local from = jid_bare(stanza.attr.from) or "";
	return sessions[sha1(from):byte(1) % #sessions + 1];
end

local function route(event)
	if not sessions[1] then
		return
	end
	event.stanza.attr.xmlns = nil;
	session_for(event.stanza).send(event.stanza);
	return true;
end

local function authenticated(event)
	local session = event.session;
	table.insert(sessions, session);
	local end_of_component = session.on_destroy;
	session.on_destroy = function (...)
		for i, one in ipairs(sessions) do
			if one == session then
				table.remove(sessions, i);
				break
			end
		end
		-- mod_component writes to the connection that came last: that is to be one that is there.
		if not sessions[1] then
			end_of_component(...);
		end
	end
end

--- Hooks into the component's host.
local function open()
	local component = module:context(settings.component);
	for _, kind in ipairs({ "iq", "message", "presence" }) do
		for _, address in ipairs({ "bare", "full", "host" }) do
			component:hook(kind.."/"..address, route, 0);
		end
	end
	for _, address in ipairs({ "bare", "full", "host" }) do
		module:hook("iq/"..address, note_request, FIRST);
	end
	component:hook("component-authenticated", authenticated);
	component:hook("stanza/jabber:component:accept:handshake", function ()
		-- It refuses another one while this is set.
		prosody.hosts[settings.component].modules.component.connected = false;
	end, 0);
end

return { open = open };

end
