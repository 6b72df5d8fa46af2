-- What is known of each message under `stored`, until the component says `forget`: outcomes, proofs, returns.

local protocol = module:require "protocol";
local settings = module:require "settings";
local element = protocol.element;

return function (gate)

-- state.records: by n; state.names: n by sender, recipient and id; state.order: the n in the order in which they came, also of
-- forgotten ones; state.count: of records
local state = gate.state.outcomes or { records = {}, order = {}, first = 1, count = 0 };
state.names = state.names or {};
gate.state.outcomes = state;

local function name_of(from, to, id)
	return from.." "..to.." "..id;
end

local function get(n)
	return state.records[n];
end

local function forget(n)
	local record = state.records[n];
	if record then
		state.records[n] = nil;
		state.count = state.count - 1;
		record.forgotten = true;
		if record.name and state.names[record.name] == n then
			state.names[record.name] = nil;
		end
		gate.proofs.forget(record);
	end
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
		if state.records[n] then
			forget(n);
			gate.leases.emit(element("forgotten", { n = n }));
		end
	end
	if #state.order - state.first > 2 * state.count + 1000 then
		compact();
	end
end

--- The record of a message; `from` and `to` are bare JIDs. Its lists hold what the events say, in the order in which it was seen.
-- With an id, a receipt finds it.
local function remember(n, from, to, id)
	local record = state.records[n];
	if not record then
		make_room();
		record = { n = n; from = from; to = to; outcomes = {}; has = {}; returned = {}; flushed = {}; items = {} };
		state.records[n] = record;
		table.insert(state.order, n);
		state.count = state.count + 1;
		if id then
			record.name = name_of(from, to, id);
			state.names[record.name] = n;
		end
	end
	return record;
end

--- The record of the message with that id, or nil.
local function find(from, to, id)
	return state.records[state.names[name_of(from, to, id)]];
end

local function outcome_element(n, outcome)
	local el = element("outcome", { n = n, copy = outcome.copy, state = outcome.state, condition = outcome.condition });
	for _, one in ipairs(outcome.sessions or {}) do
		el:tag("session", { jid = one.jid, id = one.id }):up();
	end
	return el;
end

--- An outcome is { copy = "1", state = "sent", condition, sessions = { { jid, id } } }; it is final.
local function conclude(record, outcome)
	if not record.forgotten then
		table.insert(record.outcomes, outcome);
	end
	gate.leases.emit(outcome_element(record.n, outcome));
end

--- What was seen of one session: kind is has, returned or flushed.
local function saw(record, kind, attr)
	if record.forgotten then
		return
	end
	attr.n = record.n;
	table.insert(record[kind], attr);
	gate.leases.emit(element(kind, attr));
end

local function events_of(record)
	local events = {};
	for _, outcome in ipairs(record.outcomes) do
		table.insert(events, outcome_element(record.n, outcome));
	end
	for _, kind in ipairs({ "flushed", "has", "returned" }) do
		for _, attr in ipairs(record[kind]) do
			table.insert(events, element(kind, attr));
		end
	end
	return events;
end

--- Says again what is known of n.
local function tell(n)
	local record = get(n);
	if not record then
		gate.leases.emit(outcome_element(n, { copy = "1", state = "unknown" }));
		return
	end
	for _, event in ipairs(events_of(record)) do
		gate.leases.emit(event);
	end
end

--- Calls back with each event of all that is remembered, in the order of the messages.
local function each_event(callback)
	for i = state.first, #state.order do
		local record = state.records[state.order[i]];
		for _, event in ipairs(record and events_of(record) or {}) do
			callback(event);
		end
	end
end

return {
	get = get;
	find = find;
	remember = remember;
	forget = forget;
	conclude = conclude;
	saw = saw;
	tell = tell;
	each_event = each_event;
};

end
