-- What passed unheld: without a lease, or over the bounds. It is counted, listed for the component and summed up in the log.

local jid = require "util.jid";

local protocol = module:require "protocol";

local MOST = 10000;
local PERIOD = 60;

return function (gate)

local list = gate.state.unheld or {};
gate.state.unheld = list;
local since = 0;

local function event(one)
	local el = protocol.element("unheld", { from = one.from, to = one.to, id = one.id });
	for _, id in ipairs(one.sessions) do
		el:tag("session", { id = id }):up();
	end
	return el;
end

--- The sessions that the server may send it to.
local function sessions_of(address)
	local username, _, resource = jid.split(address);
	local ids = {};
	gate.sessions.each(function (session)
		if (session.priority or -1) >= 0 or session.resource == resource then
			table.insert(ids, gate.sessions.id(session));
		end
	end, username);
	return ids;
end

local function passed(stanza)
	local one = { from = stanza.attr.from; to = stanza.attr.to; id = stanza.attr.id; sessions = sessions_of(stanza.attr.to) };
	since = since + 1;
	if since == 1 then
		module:add_timer(PERIOD, function ()
			module:log("warn", "%d messages passed unheld in the last %d s", since, PERIOD);
			since = 0;
		end);
	end
	if gate.leases.emit(event(one)) > 0 then
		return
	end
	if #list >= MOST then
		table.remove(list, 1);
	end
	table.insert(list, one);
end

--- Calls back with each event of what passed without a lease, and clears the list.
local function take(callback)
	for _, one in ipairs(list) do
		callback(event(one));
	end
	for i = #list, 1, -1 do
		list[i] = nil;
	end
end

return { passed = passed; take = take };

end
