-- Accounts that were deleted lately: what waits for them is the component's to end.

local time = require "util.time".now;

local protocol = module:require "protocol";

local MOST = 1000;
-- For how long a process that begins is told of it, s: one that was cut may not have had it.
local KEPT = 600;

return function (gate)

-- The oldest first, each { jid, at }.
local list = gate.state.deleted or {};
gate.state.deleted = list;

local function event(one)
	return protocol.event("deleted", { jid = one.jid; ago = ("%d"):format(math.max(0, math.floor((time() - one.at) * 1000))) });
end

--- Each process is told: what they have stored they share, and not what they keep in memory.
local function deleted(username)
	if #list >= MOST then
		table.remove(list, 1);
	end
	local one = { jid = username.."@"..module.host; at = time() };
	table.insert(list, one);
	gate.leases.emit_to_all(event(one));
end

local function tell(lease)
	while list[1] and time() - list[1].at > KEPT do
		table.remove(list, 1);
	end
	for _, one in ipairs(list) do
		gate.telling.add(lease, event(one));
	end
end

return { deleted = deleted; tell = tell };

end
