-- What the gate knows outlives its module for a while: who unloads and loads it, say for another version, does not make it forget
-- which session was sent what.

local timer = require "util.timer";

local FOR = 600; -- s

-- By host. It is the server's: nothing of a module's own outlives it.
local server = prosody;
server.receipts_gate_kept = server.receipts_gate_kept or {};
local kept = server.receipts_gate_kept;
local host = module.host;

local function keep(state)
	kept[host] = state;
	timer.add_task(FOR, function ()
		if kept[host] == state then
			kept[host] = nil;
		end
	end);
end

--- What was kept, or nil.
local function take()
	local state = kept[host];
	kept[host] = nil;
	return state;
end

return { keep = keep; take = take };
