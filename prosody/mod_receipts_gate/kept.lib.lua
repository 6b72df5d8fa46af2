-- What the gate knows outlives its module for a while: who unloads and loads it, say for another version, does not make it forget
-- which session was sent what. Until then receipts are still noted, which prove what it knows.

local jid_bare = require "util.jid".bare;
local timer = require "util.timer";

local protocol = module:require "protocol";

local FOR = 600; -- s
local MOST_RECEIPTS = 100000;
local FIRST = 1000;

-- By host. It is the server's: nothing of a module's own outlives it.
local server = prosody;
server.receipts_gate_kept = server.receipts_gate_kept or {};
local kept = server.receipts_gate_kept;
local host = module.host;

--- Notes the receipts that pass, by a handler that does not belong to the module. Gives a function that ends it.
local function watch(state)
	local names, unheld = state.outcomes.names, state.unheld.names;
	local receipts = {};
	state.receipts = receipts;
	local function see(event)
		local attr = event.stanza.attr;
		local kind = attr.type or "normal";
		if not attr.to or kind ~= "chat" and kind ~= "normal" or #receipts >= MOST_RECEIPTS then
			return;
		end
		for _, child in ipairs(event.stanza.tags) do
			local by, id = protocol.proof_in(child);
			local name = id and protocol.name(jid_bare(attr.to), jid_bare(attr.from), id);
			if name and (names[name] or unheld[name]) then
				table.insert(receipts, { from = attr.from; to = attr.to; session = event.origin; by = by; id = id });
			end
		end
	end
	local events = server.hosts[host].events;
	for _, kind in ipairs({ "bare", "full" }) do
		events.add_handler("pre-message/"..kind, see, FIRST);
	end
	return function ()
		for _, kind in ipairs({ "bare", "full" }) do
			events.remove_handler("pre-message/"..kind, see);
		end
	end
end

local function keep(state)
	local one = { state = state; unwatch = watch(state) };
	kept[host] = one;
	timer.add_task(FOR, function ()
		if kept[host] == one then
			one.unwatch();
			kept[host] = nil;
		end
	end);
end

--- What was kept, or nil.
local function take()
	local one = kept[host];
	kept[host] = nil;
	if one and one.unwatch then
		one.unwatch();
		return one.state;
	end
end

return { keep = keep; take = take };
