-- What passed unheld: without a lease, or over the bounds. It is counted, listed for the component and summed up in the log.

local protocol = module:require "protocol";

local MOST = 10000;
local PERIOD = 60;

return function (gate)

local list = gate.state.unheld or {};
gate.state.unheld = list;
local since = 0;

local function event(one)
	return protocol.element("unheld", one);
end

local function passed(stanza)
	local one = { from = stanza.attr.from; to = stanza.attr.to; id = stanza.attr.id };
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
