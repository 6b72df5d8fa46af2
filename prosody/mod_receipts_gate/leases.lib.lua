-- The leases of the component's connections: who may speak to the gate, whose a conversation is, and how long messages are held.

local random_id = require "util.id".long;
local sha1 = require "util.hashes".sha1;
local time = require "util.time";
local wall_clock = time.monotonic or time.now;
local add_task = require "util.timer".add_task;
local xml_escape = require "util.stanza".xml_escape;
local xpcall = require "util.xpcall".xpcall;

local faults = module:require "faults";
local protocol = module:require "protocol";
local settings = module:require "settings";

local TICK = 0.1;
-- Bytes of events in one stanza, about.
local STANZA = 65536;

return function (gate)

-- In the order in which they began. Fields of each: session, token, process, timeout and length (s), answered (verdicts), heard_at,
-- unread (bytes), later (functions), events (that are not written yet), waiting (see holds.lib.lua), telling (see telling.lib.lua), holds (it was told all
-- that it must know before it is shown anything), ended.
local leases = {};

-- The component's timeout is measured in s of a clock that goes on by a third of the shortest at most in one turn of the server's loop: an
-- answer that waits in its socket, while the server itself is busy or stopped, is not late; nor does a message wait for longer than
-- the timeout because each turn takes a little longer than usual.
local clock = { time = 0; ticked = 0; runs = false };

local function now()
	return clock.time;
end

local function advance()
	local shortest = math.huge;
	for _, lease in ipairs(leases) do
		shortest = math.min(shortest, lease.timeout);
	end
	local at = wall_clock();
	clock.time = clock.time + math.min(at - clock.ticked, math.max(2 * TICK, shortest / 3));
	clock.ticked = at;
end

--- The lease of that connection, or nil.
local function get(session)
	for _, lease in ipairs(leases) do
		if lease.session == session then
			return lease;
		end
	end
end

local function any()
	return leases[1] ~= nil;
end

--- Whether anything is held now.
local function holding()
	for _, lease in ipairs(leases) do
		if lease.holds then
			return true;
		end
	end
	return false;
end

--- A list that stays as it is while leases end.
local function all()
	local list = {};
	for i, lease in ipairs(leases) do
		list[i] = lease;
	end
	return list;
end

--- Whose a conversation is by its name alone, or nil without a lease that holds, or `listens` when that is asked for. By rendezvous hashing
-- another process takes only its own part.
local function of(pair, listens)
	if not leases[2] then
		return leases[1] and (listens or leases[1].holds) and leases[1] or nil;
	end
	local best, highest = nil, "";
	for _, lease in ipairs(leases) do
		local weight = (listens or lease.holds) and sha1(lease.process.." "..pair) or "";
		if weight > highest then
			best, highest = lease, weight;
		end
	end
	return best;
end

--- Writes the events of a lease that wait for it, many in one stanza.
local function flush(lease)
	local events, size = lease.events, 0;
	if not events[1] then
		return
	end
	lease.events = {};
	local part = {};
	for i, event in ipairs(events) do
		table.insert(part, event);
		size = size + #event;
		if size > STANZA or not events[i + 1] then
			lease.session.send(lease.head..table.concat(part).."</gate></message>");
			part, size = {}, 0;
		end
	end
end

local finish;

--- Has something done when what this turn of the server's loop has for others is written. It writes to sockets only when all handlers of
-- what it has read are through, and who waits for a message would wait for this as well.
local function later(lease, callback)
	table.insert(lease.later, callback);
	if not lease.later[2] then
		add_task(0, function ()
			local all = lease.later;
			lease.later = {};
			for _, one in ipairs(all) do
				local ok, place = xpcall(one, faults.place);
				if not ok then
					module:log("error", "What was left for later failed: %s", place);
				end
			end
		end);
	end
end

--- Has an event (text) written at the end of this turn of the server's loop.
local function put(lease, event)
	table.insert(lease.events, event);
	if not lease.events[2] then
		later(lease, function ()
			if not lease.session.destroyed then
				flush(lease);
			end
		end);
	end
end

--- The same behind what a lease that begins is told. Returns its bytes, 0 without a lease.
local function emit(lease, event)
	if not lease or lease.ended then
		return 0;
	end
	lease.unread = lease.unread + #event;
	if not gate.telling.behind(lease, event) then
		put(lease, event);
	end
	if lease.unread > settings.max_queue_bytes then
		finish(lease, "overflow");
		lease.session:close({ condition = "resource-constraint", text = "The gate's events are not read" });
	end
	return #event;
end

local function emit_to_all(event)
	for _, lease in ipairs(all()) do
		emit(lease, event);
	end
end

--- Ends a lease: from here on nothing is held for it, and what was is let go; others' messages are not touched.
function finish(lease, why)
	if lease.ended then
		return
	end
	lease.ended = true;
	for i, one in ipairs(leases) do
		if one == lease then
			table.remove(leases, i);
			break
		end
	end
	if lease.session.on_destroy == lease.on_destroy then
		lease.session.on_destroy = lease.on_destroy_before;
	end
	local held = gate.holds.take_all(lease);
	gate.telling.finish(lease);
	if why ~= "closed" and why ~= "replaced" and not lease.session.destroyed then
		table.insert(lease.events, protocol.event("opened", { why = why; held = tostring(held.count) }));
		flush(lease);
	end
	module:log(why == "disabled" and "info" or "warn", "The lease of %s ended (%s); %d messages are let go", lease.process, why, held.count);
	held.let_go();
	gate.outcomes.hand_over(lease);
end

local function finish_all(why)
	while leases[1] do
		finish(leases[1], why);
	end
end

local function watch(lease)
	lease.on_destroy_before = lease.session.on_destroy;
	lease.on_destroy = function (...)
		if lease.on_destroy_before then
			lease.on_destroy_before(...);
		end
		finish(lease, "closed");
	end
	lease.session.on_destroy = lease.on_destroy;
end

local function tick()
	if not any() then
		clock.runs = false;
		return
	end
	advance();
	for _, lease in ipairs(all()) do
		if now() - lease.heard_at > lease.length then
			finish(lease, "silence");
		elseif not lease.ended then
			gate.telling.tick(lease);
			gate.holds.sweep(lease);
		end
	end
	return TICK;
end

local function open(session)
	local token = random_id();
	local lease = { session = session; token = token; unread = 0; answered = 0; events = {}; later = {}; waiting = { first = 1; last = 0 } };
	gate.telling.begin(lease);
	lease.head = ("<message from='%s' to='%s'><gate xmlns='%s' token='%s'>"):format(
		xml_escape(module.host), xml_escape(settings.component), protocol.NS, xml_escape(token));
	watch(lease);
	if session.conn and session.conn.setoption then
		-- Events are small, and each waits for the answer to the one before it: by Nagle's algorithm for up to 40 ms.
		session.conn:setoption("tcp-nodelay", true);
	end
	if not clock.runs then
		clock.runs, clock.ticked = true, wall_clock();
		module:add_timer(TICK, tick);
	end
	table.insert(leases, lease);
	return lease;
end

local function at_most(wanted, most)
	wanted = tonumber(wanted);
	return wanted and wanted > 0 and math.min(wanted, most) or most;
end

local function start(session, attr)
	local process = tostring(attr.process or "?"):sub(1, 64);
	for _, other in ipairs(all()) do
		if other.session == session then
			finish(other, "replaced");
		elseif other.process == process then
			-- Its new connection is here before the end of the old one is seen.
			finish(other, "silence");
		end
	end
	local lease = open(session);
	lease.process = process;
	lease.timeout = at_most(attr.timeout, settings.timeout) / 1000;
	lease.length = at_most(attr.lease, settings.lease) / 1000;
	lease.routes_receipts = attr.receipts == "routed";
	lease.acks = attr.acks;
	lease.heard_at = now();
	module:log("info", "The component's process %s holds a lease", lease.process);
	return lease;
end

local function heard(lease)
	lease.heard_at, lease.unread = now(), 0;
end

return {
	get = get;
	any = any;
	holding = holding;
	of = of;
	all = all;
	put = put;
	later = later;
	emit = emit;
	emit_to_all = emit_to_all;
	flush = flush;
	start = start;
	finish = finish;
	finish_all = finish_all;
	heard = heard;
	now = now;
};

end
