-- Messages that came from the server's offline storage and that the gate has no number for: they were stored before it was loaded,
-- say since the server was killed. The component may know them, and is not to have them written again: see `deliver` in the protocol.

local jid_bare = require "util.jid".bare;

local protocol = module:require "protocol";

local MOST = 10000;

return function (gate)

-- A note: { note = true, name, words, has, items, given = { jid, id } }, to be tracked like a record of outcomes.lib.lua. By name (sender,
-- recipient, id) lists of them, the oldest first; `order`, from `first` to `last`: all of them, also those that were taken or dropped.
local state = gate.state.notes or { names = {}, order = {}, first = 1, last = 0 };
gate.state.notes = state;

local function remove(note)
	local list = state.names[note.name];
	for i, one in ipairs(list or {}) do
		if one == note then
			table.remove(list, i);
			break
		end
	end
	if list and not list[1] then
		state.names[note.name] = nil;
	end
	note.removed = true;
end

local function make_room()
	while state.order[state.first] and (state.order[state.first].removed or state.last - state.first >= MOST - 1) do
		local note = state.order[state.first];
		state.order[state.first] = nil;
		state.first = state.first + 1;
		if not note.removed then
			remove(note);
			-- The session that was given it is not asked about it, and has it for as long as it lasts.
			gate.proofs.forget(note);
		end
	end
end

--- A message is about to be written to a session from the offline storage.
local function flushed(stanza, session)
	local attr = stanza.attr;
	local kind = attr.type or "normal";
	if stanza.name ~= "message" or not attr.id or #attr.id > protocol.LONGEST_ID or not attr.from or kind ~= "chat" and kind ~= "normal" then
		return;
	end
	local from, to = jid_bare(attr.from), session.username.."@"..session.host;
	local name = protocol.name(from, to, attr.id);
	local note = {
		note = true; name = name; words = protocol.words(stanza); has = {}; items = {};
		given = { jid = session.full_jid, id = gate.sessions.id(session) };
	};
	make_room();
	state.names[name] = state.names[name] or {};
	table.insert(state.names[name], note);
	state.last = state.last + 1;
	state.order[state.last] = note;
	gate.proofs.track(session, note, "1", protocol.signature(stanza));
end

--- What was seen of it, as of a record: who has it keeps its note, and who ended without it was not given it.
local function saw(note, kind, attr)
	if kind == "has" then
		table.insert(note.has, attr);
		note.items = {};
	elseif kind == "returned" then
		remove(note);
	end
end

--- The note of such a message, which is no note any more, or nil; bare JIDs.
local function take(from, to, message)
	local id = message.attr.id;
	for _, note in ipairs(id and state.names[protocol.name(from, to, id)] or {}) do
		-- One of a version before has the body whole.
		if protocol.says(message, note.words or note.body) then
			remove(note);
			return note;
		end
	end
end

return { flushed = flushed; saw = saw; take = take };

end
