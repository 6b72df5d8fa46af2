-- What is known of each message under `stored`, until the component says `forget`: outcomes, proofs, returns.

local hash = require "util.hashes".sha1;

local protocol = module:require "protocol";
local settings = module:require "settings";

-- As many messages of one id are found by a receipt, the oldest. Each receipt looks at all of them, and a client may give all its messages
-- one id. What is over it is proved in another way, or by the component, which is shown what finds nothing.
local SAME_NAME = 100;

return function (gate)

-- state.records: by n; state.names: by sender, recipient and id the latest n, whose record names the one `earlier` of the same id
-- and so on (a sender may write a message again before it has a verdict); state.order: the n in the order in which they came, also of
-- forgotten ones; state.count: of records
local state = gate.state.outcomes or { records = {}, order = {}, first = 1, count = 0 };
state.names = state.names or {};
gate.state.outcomes = state;
-- Of versions that did not have it, since what was confirmed had no name any more, or that did not say by whom.
for _, record in pairs(state.records) do
	record.confirmed = record.confirmed or {};
	for by, sessions in pairs(record.confirmed) do
		if sessions == true then
			record.confirmed[by] = { [""] = true };
		end
	end
end

local function get(n)
	return state.records[n];
end

--- No receipt finds it.
local function unname(record)
	local name, earlier, later = record.name, record.earlier, record.later;
	if later then
		later.earlier = earlier;
	elseif name and state.names[name] == record.n then
		state.names[name] = earlier and earlier.n;
	end
	if earlier then
		earlier.later = later;
	end
	record.name, record.earlier, record.later = nil, nil, nil;
end

local function forget(n)
	local record = state.records[n];
	if record then
		state.records[n] = nil;
		state.count = state.count - 1;
		record.forgotten = true;
		unname(record);
		gate.offline.forget(record);
		gate.proofs.forget(record);
	end
end

--- Whom it is told: the process that said something of this message last, or else whose conversation it is.
local function listener(record)
	local told = record.told;
	if not told or told.ended then
		told = gate.holds.listener(protocol.pair(record.from, record.to));
		record.told = told;
	end
	return told;
end

local function compact()
	local order = {};
	for i = state.first, #state.order do
		if state.records[state.order[i]] then
			table.insert(order, state.order[i]);
		end
	end
	state.order, state.first = order, 1;
end

local function make_room()
	while state.count >= settings.remembered do
		local n = state.order[state.first];
		state.first = state.first + 1;
		local record = state.records[n];
		if record then
			forget(n);
			gate.leases.emit(listener(record), protocol.event("forgotten", { n = n }));
		end
	end
	if #state.order - state.first > 2 * state.count + 1000 then
		compact();
	end
end

local function name(record, from, to, id)
	local own = protocol.name(from, to, id);
	local earlier = state.records[state.names[own]];
	local count, one = 0, earlier;
	while one do
		count, one = count + 1, one.earlier;
	end
	if count < SAME_NAME then
		record.name = own;
		if earlier then
			record.earlier, earlier.later = earlier, record;
		end
		state.names[own] = record.n;
	end
end

--- The record of a message; `from` and `to` are bare JIDs. Its lists hold what the events say, in the order in which it was seen.
-- With an id, a receipt finds it. `by_copy`: it is not known by its original, which was forgotten or is of another epoch.
local function remember(n, from, to, id, body, by_copy)
	local record = state.records[n];
	if not record then
		make_room();
		record = { n = n; from = from; to = to; by_copy = by_copy; words = id and hash(body or ""); confirmed = {}; outcomes = {}; has = {}; returned = {}; flushed = {}; items = {} };
		state.records[n] = record;
		table.insert(state.order, n);
		state.count = state.count + 1;
		if id and #id <= protocol.LONGEST_ID then
			name(record, from, to, id);
		end
	end
	return record;
end

--- The records of the messages with that id, the oldest first; and whether there may be others.
local function named(from, to, id)
	local found = {};
	local record = state.records[state.names[protocol.name(from, to, id)]];
	while record do
		table.insert(found, 1, record);
		record = record.earlier;
	end
	return found, #found >= SAME_NAME;
end

local function outcome_event(n, outcome)
	local inside = nil;
	for _, one in ipairs(outcome.sessions or {}) do
		inside = (inside or "")..protocol.event("session", { jid = one.jid, id = one.id });
	end
	local attr = {
		n = n, copy = outcome.copy, state = outcome.state, condition = outcome.condition;
		acknowledged = outcome.acknowledged and outcome.state == "unknown" and "true" or nil;
	};
	return protocol.event("outcome", attr, inside);
end

--- What is kept with a record is told with it where its turn is still to come.
local function emit(record, event)
	if not record.to_be_told then
		gate.leases.emit(listener(record), event);
	end
end

--- An outcome is { copy = "1", state = "sent", condition, acknowledged, sessions = { { jid, id } } }; it is final.
local function conclude(record, outcome)
	if not record.forgotten then
		table.insert(record.outcomes, outcome);
	end
	emit(record, outcome_event(record.n, outcome));
end

--- What was seen of one session: kind is has, returned or flushed.
local function saw(record, kind, attr)
	if record.note then
		gate.notes.saw(record, kind, attr);
		return
	elseif record.forgotten then
		return
	end
	attr.n = record.n;
	table.insert(record[kind], attr);
	emit(record, protocol.event(kind, attr));
end

local function events_of(record)
	local events = {};
	for _, outcome in ipairs(record.outcomes) do
		table.insert(events, outcome_event(record.n, outcome));
	end
	for _, kind in ipairs({ "flushed", "has", "returned" }) do
		for _, attr in ipairs(record[kind]) do
			table.insert(events, protocol.event(kind, attr));
		end
	end
	return events;
end

--- That process sees to it from now on, or has ended it: the one that was told of it before hears nothing more, and is told so.
local function leaves(record, lease)
	local before = record.told;
	if before and before ~= lease and not before.ended then
		gate.leases.emit(before, protocol.event("forgotten", { n = record.n; elsewhere = "true" }));
	end
end

--- A process wants nothing more of it.
local function forget_for(lease, n)
	local record = get(n);
	if record then
		leaves(record, lease);
		forget(n);
	end
end

--- Tells a lease what is known of a record.
local function tell_record(lease, record)
	leaves(record, lease);
	record.told, record.to_be_told = lease, nil;
	for _, event in ipairs(events_of(record)) do
		gate.leases.emit(lease, event);
	end
end

--- That process has said something of it: what another one was still to be told of it, it must know now.
local function belongs(record, lease)
	if record.to_be_told and record.to_be_told ~= lease then
		tell_record(lease, record);
	else
		leaves(record, lease);
	end
	record.told = lease;
end

--- Says again what is known of n to whoever asks, who hears of it from now on.
local function tell(lease, n)
	local record = get(n);
	if record then
		tell_record(lease, record);
	else
		gate.leases.emit(lease, outcome_event(n, { copy = "1", state = "unknown" }));
	end
end

local function each(callback)
	for i = state.first, #state.order do
		local record = state.records[state.order[i]];
		if record then
			callback(record);
		end
	end
end

--- Tells a lease that begins all that is remembered and that no other one is told, in the order of the messages.
local function tell_all(lease)
	each(function (record)
		if listener(record) == lease then
			gate.telling.add_record(lease, record);
		end
	end);
end

--- A lease has ended: what it was told is told to others, if there are any.
local function hand_over(ended)
	if not gate.leases.any() then
		return
	end
	each(function (record)
		if record.told == ended then
			gate.telling.add_record(listener(record), record);
		end
	end);
	for _, lease in ipairs(gate.leases.all()) do
		gate.telling.go_on(lease);
	end
end

return {
	get = get;
	named = named;
	unname = unname;
	remember = remember;
	forget = forget;
	forget_for = forget_for;
	belongs = belongs;
	events_of = events_of;
	conclude = conclude;
	saw = saw;
	tell = tell;
	tell_all = tell_all;
	hand_over = hand_over;
};

end
