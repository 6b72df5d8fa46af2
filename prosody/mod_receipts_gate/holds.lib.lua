-- Messages that wait for the component's verdict: which are held, within which bounds, and how each goes on.

local jid = require "util.jid";
local user_exists = require "core.usermanager".user_exists;
local st = require "util.stanza";

local protocol = module:require "protocol";
local settings = module:require "settings";

return function (gate)

local held = {}; -- by n
local in_hand = {}; -- by n: those, and what was given a verdict and waits for its turn
-- A lease's `waiting` has those without a verdict yet (and answered ones among them), in the order of their coming, from `first` to
-- `last`: the length of a table whose beginning was taken away is not defined.
local conversations = {}; -- those with something held, by their pair: { lease, count }
local used = { count = 0; bytes = 0 };
-- The same by bare JID, with `behind`: how much is not shown and waits only for the order; `free`: he was let go, until nothing of him
-- is left.
local senders = {};
local RELEASED = {}; -- marks an event that goes its way

local function opened(from)
	local sender = senders[from] or { count = 0; bytes = 0; behind = 0 };
	senders[from] = sender;
	return sender;
end

local function closed(from, sender)
	if sender.count == 0 and sender.behind == 0 then
		senders[from] = nil;
	end
end

local function account(entry, sign)
	local sender = opened(entry.from);
	sender.count, sender.bytes = sender.count + sign, sender.bytes + sign * entry.bytes;
	used.count, used.bytes = used.count + sign, used.bytes + sign * entry.bytes;
	closed(entry.from, sender);
end

local function account_behind(from, sign)
	local sender = opened(from);
	sender.behind = sender.behind + sign;
	closed(from, sender);
end

local function over_bounds(from)
	local sender = senders[from];
	return used.count >= settings.max_held or used.bytes >= settings.max_held_bytes
		or sender and (sender.free or sender.count >= settings.max_held / 10 or sender.bytes >= settings.max_held_bytes / 10);
end

--- More than may be in memory: the server cannot route it as fast as it comes.
local function is_full(from)
	return senders[from] and senders[from].behind >= settings.max_held;
end

--- Whose a conversation is, or nil without a lease that holds. It changes only when nothing of it is held, or the lease has ended.
local function owner(pair, listens)
	local conversation = conversations[pair];
	if conversation and not conversation.lease.ended then
		return conversation.lease;
	end
	return gate.leases.of(pair, listens);
end

--- Who is told of a conversation: also a lease that does not hold yet.
local function listener(pair)
	return owner(pair, true);
end

local function belongs(entry, lease)
	local conversation = conversations[entry.pair] or { count = 0 };
	conversations[entry.pair] = conversation;
	conversation.lease, conversation.count = lease, conversation.count + 1;
end

local function left(entry)
	local conversation = conversations[entry.pair];
	conversation.count = conversation.count - 1;
	if conversation.count == 0 then
		conversations[entry.pair] = nil;
	end
end

local function remember(entry)
	local stanza = entry.event.stanza;
	local record = gate.outcomes.remember(entry.n, entry.from, entry.to, stanza.attr.id, stanza:get_child_text("body"));
	record.told = entry.lease;
	return record;
end

local function carry_out(entry)
	if entry.verdict == "drop" then
		local record = remember(entry);
		-- Of a duplicate: the receipt is for the message that it repeats.
		gate.outcomes.unname(record);
		gate.outcomes.conclude(record, { copy = "1", state = "dropped" });
		return
	end
	entry.event[RELEASED] = true;
	gate.receipts.routed(entry.event);
	gate.routing.release(entry.event, entry.verdict == "stored" and remember(entry) or nil, entry.acknowledged);
end

local function run_held(entry)
	account(entry, -1);
	in_hand[entry.n] = nil;
	left(entry);
	carry_out(entry);
end

local function hold(event, from, to, key, lease)
	local state, waiting = gate.state, lease.waiting;
	state.counter = state.counter + 1;
	local entry = {
		n = state.epoch.."-"..state.counter; counter = state.counter;
		event = event; from = from; to = to; key = key; pair = protocol.pair(from, to); lease = lease;
		at = gate.leases.now(); answered_before = lease.answered; bytes = 0; run = run_held;
	};
	held[entry.n] = entry;
	in_hand[entry.n] = entry;
	waiting.last = waiting.last + 1;
	waiting[waiting.last] = entry;
	account(entry, 1);
	belongs(entry, lease);
	gate.queues.add(key, entry);
	local before = waiting[waiting.last - 1];
	local size = gate.leases.emit(lease, "<held n='"..entry.n.."'>"..tostring(protocol.shown(event.stanza)).."</held>");
	if held[entry.n] == entry then
		account(entry, -1);
		entry.bytes = size;
		account(entry, 1);
		if not before or before.verdict then
			-- A lone one does not wait for others of this turn, which would go along with it.
			gate.leases.flush(lease);
		end
	end
end

local function decide(entry, verdict)
	held[entry.n] = nil;
	entry.verdict, entry.ready = verdict, true;
end

--- Lets a message go without a verdict.
local function let_go(entry)
	decide(entry, "passed");
	local record = remember(entry);
	-- Nobody sees what becomes of it: with the last of these that ends without a receipt it may be lost.
	record.passed, record.takers = true, gate.sessions.takers(entry.event.stanza.attr.to);
	gate.outcomes.conclude(record, { copy = "1", state = "passed", sessions = record.takers });
end

--- So much waits behind what is held of him that it is let go, alone: once, and nothing is held of him until all is gone.
-- Returns what is ready to go.
local function let_go_of(from)
	local sender, entries = opened(from), {};
	if sender.free or sender.behind < settings.max_held / 10 then
		return entries;
	end
	sender.free = true;
	for _, entry in pairs(held) do
		if entry.from == from then
			table.insert(entries, entry);
		end
	end
	table.sort(entries, function (a, b) return a.counter < b.counter; end);
	for _, entry in ipairs(entries) do
		-- Told of the others, a component that reads nothing is closed, and its lease has let go of the rest.
		if not entry.verdict then
			let_go(entry);
		end
	end
	return entries;
end

--- Of what is not shown, and waits for its turn.
local function wait_behind(event, from, key)
	local ready = let_go_of(from);
	account_behind(from, 1);
	gate.queues.add(key, { ready = true; run = function ()
		account_behind(from, -1);
		event[RELEASED] = true;
		gate.routing.release(event);
	end });
	for _, entry in ipairs(ready) do
		gate.queues.drain(entry.key);
	end
end

local function refuse(event, text)
	-- Nobody is answered an error for an error.
	if event.stanza.attr.type ~= "error" then
		event.origin.send(st.error_reply(event.stanza, "wait", "resource-constraint", text));
	end
	return true;
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
	if is_full(from) and gate.queues.busy(key) then
		return refuse(event, "Too many messages wait");
	elseif goes_past(stanza, from) then
		if not gate.queues.busy(key) then
			return
		end
	elseif gate.leases.holding() and not over_bounds(from) then
		local lease = owner(protocol.pair(from, to));
		if not lease.routes_receipts or not gate.receipts.need_not_be_shown(stanza, event.origin, from, to) then
			hold(event, from, to, key, lease);
			return true;
		end
		gate.receipts.routed(event);
		if not gate.queues.busy(key) then
			return
		end
	elseif not gate.leases.holding() and settings.fail == "closed" and not gate.receipts.is_proof(stanza) then
		-- Without its receipt a message that was stored would be said to have failed.
		return refuse(event, "Messages cannot be stored at this moment");
	else
		gate.unheld.passed(stanza);
		gate.receipts.routed(event);
		if not gate.queues.busy(key) then
			return
		end
	end
	wait_behind(event, from, key);
	return true;
end

--- Says again what is known of n. Of what is not let go yet nothing is known; it is told when it is.
local function ask(lease, n)
	if not in_hand[n] then
		gate.outcomes.tell(lease, n);
	end
end

--- `ack`: the sender is to be told that it is stored.
local function verdict(lease, n, name, ack)
	local entry = held[n];
	if not entry then
		ask(lease, n);
	elseif entry.lease == lease then
		if ack and name == "stored" and lease.acks then
			entry.acknowledged = true;
			gate.acknowledgements.owe(lease, entry);
		end
		decide(entry, name);
		lease.answered = lease.answered + 1;
		gate.queues.drain(entry.key);
	end
end

local function oldest(waiting)
	while waiting[waiting.first] and waiting[waiting.first].verdict do
		waiting[waiting.first] = nil;
		waiting.first = waiting.first + 1;
	end
	return waiting[waiting.first];
end

--- Passes what waits for too long, alone if something was answered since it came; otherwise the lease ends.
local function sweep(lease)
	local entry = oldest(lease.waiting);
	while entry and gate.leases.now() - entry.at > lease.timeout do
		if lease.answered == entry.answered_before then
			gate.leases.finish(lease, "timeout");
			return
		end
		module:log("warn", "The component did not answer for one message in time; it is passed");
		let_go(entry);
		gate.queues.drain(entry.key);
		entry = oldest(lease.waiting);
	end
end

--- For the end of a lease: how many are held, and a function that lets them go in order.
local function take_all(lease)
	local entries = {};
	for entry in oldest, lease.waiting do
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
	listener = listener;
	verdict = verdict;
	sweep = sweep;
	take_all = take_all;
};

end
