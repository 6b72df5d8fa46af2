-- What passed unheld: without a lease, or over the bounds. It is counted, listed for each process of the component and summed up in
-- the log.

local jid = require "util.jid";

local protocol = module:require "protocol";

local MOST = 10000;
local PERIOD = 60;
-- For how long a process that begins is told of it, s.
local KEPT = 600;

return function (gate)

-- From `first` to `last`, each { event (text), at, told (by process) }.
local list = gate.state.unheld or { first = 1, last = 0 };
gate.state.unheld = list;
local since = 0;

local function drop_first()
	list[list.first] = nil;
	list.first = list.first + 1;
end

--- The sessions that the server may send it to, as text.
local function sessions_of(address)
	local username, _, resource = jid.split(address);
	local text = "";
	gate.sessions.each(function (session)
		if (session.priority or -1) >= 0 or session.resource == resource then
			text = text..protocol.event("session", { id = gate.sessions.id(session) });
		end
	end, username);
	return text;
end

local function passed(stanza)
	local attr = { from = stanza.attr.from; to = stanza.attr.to; id = stanza.attr.id };
	local event = protocol.event("unheld", attr, sessions_of(attr.to));
	since = since + 1;
	if since == 1 then
		module:add_timer(PERIOD, function ()
			module:log("warn", "%d messages passed unheld in the last %d s", since, PERIOD);
			since = 0;
		end);
	end
	local lease = gate.holds.owner(protocol.pair(jid.bare(attr.from), jid.bare(attr.to)));
	local told = {};
	if lease and gate.leases.emit(lease, event) > 0 then
		told[lease.process] = true;
	end
	if list.last - list.first + 1 >= MOST then
		drop_first();
	end
	list.last = list.last + 1;
	list[list.last] = { event = event; at = os.time(); told = told };
end

--- Tells a lease what its process was not told yet.
local function tell(lease)
	local from = os.time() - KEPT;
	while list.first <= list.last and list[list.first].at < from do
		drop_first();
	end
	for i = list.first, list.last do
		local one = list[i];
		if not one.told[lease.process] then
			one.told[lease.process] = true;
			gate.leases.emit(lease, one.event);
		end
	end
end

return { passed = passed; tell = tell };

end
