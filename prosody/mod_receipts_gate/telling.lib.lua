-- What one connection of the component is told of all that is remembered. That may be tens of megabytes, so no more is written than it
-- has room for: whether it reads, its answer to a ping shows that is written behind. What is here is written out when its turn comes,
-- and nothing new is told of it before.

local st = require "util.stanza";
local new_id = require "util.id".medium;

local protocol = module:require "protocol";
local settings = module:require "settings";

-- Bytes that are written ahead of the component's reading.
local AHEAD = 1048576;

return function (gate)

-- In a lease, `telling`: { first, last, beginning, ahead (bytes), unread, ping }, and by number what waits: text, records of
-- outcomes.lib.lua, sessions, what passed unheld, and functions (answers). `unread`: what passed unheld and was told, and may not have been
-- read; it is told once more to that process when this connection breaks. `ping`: { id, at, ahead, unread }, of both what was written before it.

local function begin(lease)
	lease.telling = { first = 1; last = 0; ahead = 0; unread = {}; beginning = true };
end

local function add(lease, one)
	local telling = lease.telling;
	telling.last = telling.last + 1;
	telling[telling.last] = one;
end

local function add_record(lease, record)
	record.told, record.to_be_told = lease, lease;
	add(lease, record);
end

local function write(lease, event)
	lease.telling.ahead = lease.telling.ahead + #event;
	gate.leases.put(lease, event);
end

local function tell(lease, one)
	if type(one) == "string" then
		write(lease, one);
	elseif type(one) == "function" then
		one();
	elseif one.outcomes then
		-- Else somebody else has asked for it.
		if one.to_be_told == lease then
			one.to_be_told = nil;
			for _, event in ipairs(one.forgotten and {} or gate.outcomes.events_of(one)) do
				write(lease, event);
			end
		end
	elseif one.told then
		table.insert(lease.telling.unread, one);
		write(lease, gate.unheld.told(one, lease.process));
	elseif one.full_jid and not one.destroyed then
		write(lease, protocol.event("session", gate.sessions.describe(one, gate.sessions.state_of(one))));
	end
end

local function ask(lease)
	local telling = lease.telling;
	if telling.ping then
		return
	end
	telling.ping = { id = new_id(); at = gate.leases.now(); ahead = telling.ahead; unread = #telling.unread };
	gate.leases.flush(lease);
	lease.session.send(st.iq({ type = "get", id = lease.telling.ping.id, from = module.host, to = settings.component })
		:tag("ping", { xmlns = "urn:xmpp:ping" }));
end

--- From now on it holds: what it is shown comes behind all that it must know before.
local function ready(lease)
	lease.telling.beginning = false;
	write(lease, protocol.event("ready", {}));
	lease.holds = true;
	gate.leases.flush(lease);
end

--- Tells as much as there is room for.
local function go_on(lease)
	local telling = lease.telling;
	while telling.ahead < AHEAD and not lease.ended do
		local one = telling[telling.first];
		if one ~= nil then
			telling[telling.first] = nil;
			telling.first = telling.first + 1;
			tell(lease, one);
		elseif not telling.beginning then
			break
		elseif gate.unheld.tell(lease) == 0 then
			ready(lease);
		end
	end
	if not lease.ended and (telling.beginning or telling[telling.first] ~= nil or telling.unread[1]) then
		ask(lease);
	end
end

--- What passes unheld, or is confirmed, while this connection holds.
local function tell_now(lease, one)
	table.insert(lease.telling.unread, one);
	gate.leases.emit(lease, gate.unheld.told(one, lease.process));
	if not lease.ended then
		ask(lease);
	end
end

local function has_read(lease, asked)
	local telling = lease.telling;
	telling.ping, telling.ahead = nil, telling.ahead - asked.ahead;
	local unread = telling.unread;
	telling.unread = {};
	for i = asked.unread + 1, #unread do
		table.insert(telling.unread, unread[i]);
	end
	go_on(lease);
end

--- Sees the component's answer to a ping.
local function on_iq(event)
	local attr, lease = event.stanza.attr, gate.leases.get(event.origin);
	local asked = lease and lease.telling.ping;
	if asked and attr.id == asked.id and (attr.type == "result" or attr.type == "error") then
		lease.unread = 0;
		has_read(lease, asked);
		return true;
	end
end

--- Not every component answers: then more is told all the same.
local function tick(lease)
	local telling = lease.telling;
	local asked = telling.ping;
	-- Where nothing waits for the answer it may come late.
	local waits = telling.beginning or telling[telling.first] ~= nil;
	if asked and waits and gate.leases.now() - asked.at > settings.reading_patience / 1000 then
		telling.ping, telling.ahead = nil, 0;
		go_on(lease);
	end
end

--- An event (text) or an answer (function) behind what a lease that begins is told; false when there is nothing before it.
local function behind(lease, one)
	if lease.ended or not lease.telling.beginning then
		return false;
	end
	add(lease, one);
	go_on(lease);
	return true;
end

--- The lease has ended: the answers that are still to go go now, and all else is others' to be told.
local function finish(lease)
	local telling = lease.telling;
	for _, one in ipairs(telling.unread) do
		gate.unheld.untell(one, lease.process);
	end
	telling.unread = {};
	telling.beginning, telling.ping = false, nil;
	for i = telling.first, telling.last do
		local one = telling[i];
		telling[i] = nil;
		if type(one) == "function" then
			one();
		elseif type(one) == "table" and one.to_be_told == lease then
			one.to_be_told = nil;
		end
	end
	telling.first, telling.last = 1, 0;
end

return {
	begin = begin;
	add = add;
	add_record = add_record;
	tell_now = tell_now;
	go_on = go_on;
	behind = behind;
	on_iq = on_iq;
	tick = tick;
	finish = finish;
};

end
