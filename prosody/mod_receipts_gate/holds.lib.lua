-- Messages that wait for the component's verdict: which are held, within which bounds, and how each goes on.

local jid = require "util.jid";
local user_exists = require "core.usermanager".user_exists;
local st = require "util.stanza";

local protocol = module:require "protocol";
local settings = module:require "settings";
local element = protocol.element;

return function (gate)

local held = {}; -- by n
local in_hand = {}; -- by n: those, and what was given a verdict and waits for its turn
-- Without a verdict yet (and answered ones among them), in the order of their coming; the length of a table whose beginning was
-- taken away is not defined.
local waiting, first, last = {}, 1, 0;
local used = { count = 0; bytes = 0 };
local senders = {}; -- the same by bare JID
local RELEASED = {}; -- marks an event that goes its way

local function account(entry, sign)
	local sender = senders[entry.from] or { count = 0; bytes = 0 };
	sender.count, sender.bytes = sender.count + sign, sender.bytes + sign * entry.bytes;
	used.count, used.bytes = used.count + sign, used.bytes + sign * entry.bytes;
	senders[entry.from] = sender.count > 0 and sender or nil;
end

local function over_bounds(from)
	local sender = senders[from];
	return used.count >= settings.max_held or used.bytes >= settings.max_held_bytes
		or sender and (sender.count >= settings.max_held / 10 or sender.bytes >= settings.max_held_bytes / 10);
end

local function remember(entry)
	return gate.outcomes.remember(entry.n, entry.from, entry.to, entry.event.stanza.attr.id);
end

local function run_held(entry)
	account(entry, -1);
	in_hand[entry.n] = nil;
	if entry.verdict == "drop" then
		gate.outcomes.conclude(gate.outcomes.remember(entry.n, entry.from, entry.to), { copy = "1", state = "dropped" });
		return
	end
	entry.event[RELEASED] = true;
	gate.receipts.routed(entry.event);
	gate.routing.release(entry.event, entry.verdict == "stored" and remember(entry) or nil);
end

local function hold(event, from, to, key)
	local state = gate.state;
	state.counter = state.counter + 1;
	local entry = {
		n = state.epoch.."-"..state.counter; counter = state.counter;
		event = event; from = from; to = to; key = key;
		at = gate.leases.now(); answered_before = gate.leases.get().answered; bytes = 0; run = run_held;
	};
	held[entry.n] = entry;
	in_hand[entry.n] = entry;
	last = last + 1;
	waiting[last] = entry;
	account(entry, 1);
	gate.queues.add(key, entry);
	local size = gate.leases.emit(element("held", { n = entry.n }):add_child(protocol.shown(event.stanza)));
	if held[entry.n] == entry then
		account(entry, -1);
		entry.bytes = size;
		account(entry, 1);
	end
end

local function decide(entry, verdict)
	held[entry.n] = nil;
	entry.verdict, entry.ready = verdict, true;
end

--- Lets a message go without a verdict.
local function let_go(entry)
	decide(entry, "passed");
	gate.outcomes.conclude(remember(entry), { copy = "1", state = "passed" });
end

local function goes_past(stanza, from)
	local node, host = jid.split(stanza.attr.to);
	local kind = stanza.attr.type or "normal";
	return not node or host ~= module.host or from == jid.bare(stanza.attr.to)
		or kind ~= "chat" and kind ~= "normal" or not protocol.has_content(stanza)
		or not (prosody.bare_sessions[jid.bare(stanza.attr.to)] or user_exists(node, host));
end

--- Before all else that sees a message of a client. Returns true when it waits.
local function intercept(event)
	if event[RELEASED] then
		return
	end
	local stanza = event.stanza;
	local from, to = jid.bare(stanza.attr.from), jid.bare(stanza.attr.to);
	if not from or not to or from == to then
		return
	end
	local key = from.." "..to;
	if goes_past(stanza, from) then
		if not gate.queues.busy(key) then
			return
		end
	elseif gate.leases.get() and not over_bounds(from) then
		hold(event, from, to, key);
		return true;
	elseif not gate.leases.get() and settings.fail == "closed" then
		event.origin.send(st.error_reply(stanza, "wait", "resource-constraint", "Messages cannot be stored at this moment"));
		return true;
	else
		gate.unheld.passed(stanza);
		gate.receipts.routed(event);
		if not gate.queues.busy(key) then
			return
		end
	end
	gate.queues.add(key, { ready = true; run = function ()
		event[RELEASED] = true;
		gate.routing.release(event);
	end });
	return true;
end

--- Says again what is known of n. Of what is not let go yet nothing is known; it is told when it is.
local function ask(n)
	if not in_hand[n] then
		gate.outcomes.tell(n);
	end
end

local function verdict(n, name)
	local entry = held[n];
	if not entry then
		ask(n);
		return
	end
	decide(entry, name);
	gate.leases.get().answered = gate.leases.get().answered + 1;
	gate.queues.drain(entry.key);
end

local function oldest()
	while waiting[first] and waiting[first].verdict do
		waiting[first] = nil;
		first = first + 1;
	end
	return waiting[first];
end

--- Passes what waits for too long, alone if something was answered since it came; otherwise the lease ends.
local function sweep(lease)
	local entry = oldest();
	while entry and gate.leases.now() - entry.at > lease.timeout do
		if lease.answered == entry.answered_before then
			gate.leases.finish("timeout");
			return
		end
		module:log("warn", "The component did not answer for one message in time; it is passed");
		let_go(entry);
		gate.queues.drain(entry.key);
		entry = oldest();
	end
end

--- For the end of a lease: how many are held, and a function that lets them go in order.
local function take_all()
	local entries = {};
	for entry in oldest do
		let_go(entry);
		table.insert(entries, entry);
	end
	return { count = #entries; let_go = function ()
		for _, entry in ipairs(entries) do
			gate.queues.drain(entry.key);
		end
	end };
end

return {
	intercept = intercept;
	ask = ask;
	verdict = verdict;
	sweep = sweep;
	take_all = take_all;
};

end
