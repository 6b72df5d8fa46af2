-- What passed unheld: without a lease, or over the bounds. It is counted, listed for each process of the component and summed up in
-- the log.

local jid = require "util.jid";
local time = require "util.time";
local now = time.monotonic or time.now;

local protocol = module:require "protocol";

local MOST = 10000;
local PERIOD = 60;
-- For how long a process that begins is told of it, s.
local KEPT = 600;

return function (gate)

-- From `first` to `last`, each { attr, sessions (text), at, told (by process), name }; by name the latest of them.
local list = gate.state.unheld or { first = 1, last = 0 };
list.names = list.names or {};
gate.state.unheld = list;
local since = 0;

local function drop_first()
	local one = list[list.first];
	if one.name and list.names[one.name] == one then
		list.names[one.name] = nil;
	end
	list[list.first] = nil;
	list.first = list.first + 1;
end

--- The sessions that the server may send it to, as text.
local function sessions_of(address)
	local text = "";
	for _, one in ipairs(gate.sessions.takers(address)) do
		text = text..protocol.event("session", { id = one.id });
	end
	return text;
end

--- A process that begins may be told much later: what was stored since is not what passed then.
local function event_of(one)
	local ago = math.floor((now() - one.at) * 1000);
	local attr = { from = one.attr.from, to = one.attr.to, id = one.attr.id, number = one.attr.number, confirmed = one.attr.confirmed, ago = ago > 0 and ("%d"):format(ago) or nil };
	return protocol.event("unheld", attr, one.sessions);
end

--- The event for that process, which has been told with that.
local function told(one, process)
	one.told[process] = true;
	return event_of(one);
end

--- Tells each process that is there: its conversation may be any other's when it is written again, as the owner may have ended by then.
local function tell_all(one)
	one.told = {};
	for _, lease in ipairs(gate.leases.all()) do
		-- Who is still told of what was before is told of this, too, before it holds.
		if not lease.telling.beginning then
			gate.telling.tell_now(lease, one);
		end
	end
end

local function passed(stanza)
	local from, to, id = stanza.attr.from, stanza.attr.to, stanza.attr.id;
	if id and #id > protocol.LONGEST_ID then
		id = nil;
	end
	since = since + 1;
	if since == 1 then
		module:add_timer(PERIOD, function ()
			module:log("warn", "%d messages passed unheld in the last %d s", since, PERIOD);
			since = 0;
		end);
	end
	if list.last - list.first + 1 >= MOST then
		drop_first();
	end
	local one = { attr = { from = from; to = to; id = id; number = gate.state.epoch.."-"..list.last + 1 }; sessions = sessions_of(to); at = now() };
	if id then
		one.name = protocol.name(jid.bare(from), jid.bare(to), id);
		list.names[one.name] = one;
	end
	list.last = list.last + 1;
	list[list.last] = one;
	tell_all(one);
end

--- The recipient's client, a full JID, has returned a receipt for a message of that id; bare JIDs.
local function confirmed(from, to, id, by)
	local one = list.names[protocol.name(from, to, id)];
	if one and not one.attr.confirmed then
		one.attr.confirmed = by;
		tell_all(one);
	end
end

--- Has a lease told what its process was not told yet. Returns how much that is.
local function tell(lease)
	local from = now() - KEPT;
	-- What nobody was told stays, however long the component was away.
	while list.first <= list.last and next(list[list.first].told) and list[list.first].at < from do
		drop_first();
	end
	local count = 0;
	for i = list.first, list.last do
		local one = list[i];
		if not one.told[lease.process] then
			gate.telling.add(lease, one);
			count = count + 1;
		end
	end
	return count;
end

--- That process may not have read what it was told.
local function untell(one, process)
	one.told[process] = nil;
end

return { passed = passed; confirmed = confirmed; tell = tell; told = told; untell = untell };

end
