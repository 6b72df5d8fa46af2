-- What the component sends itself: redeliveries into one session, and notices in the name of a contact.

local jid = require "util.jid";

local protocol = module:require "protocol";
local blocking = module:require "blocking";

return function (gate)

local function is_local_user(address)
	local node, host = jid.split(address);
	return node ~= nil and host == module.host;
end

local function counter_of(n)
	local epoch, counter = n:match("^(.*)%-(%d+)$");
	return epoch == gate.state.epoch and tonumber(counter) or 0;
end

local function write(session, record, copy, message)
	if blocking.is_blocked(message.attr.to, message.attr.from) then
		return { copy = copy; state = "refused" };
	elseif gate.proofs.has_open(session, record) then
		return { copy = copy; state = "waits" };
	end
	gate.proofs.track(session, record, copy, protocol.signature(message));
	if not session.send(message) then
		return { copy = copy; state = "unknown" };
	end
	return { copy = copy; state = "sent"; sessions = { { jid = session.full_jid, id = gate.sessions.id(session) } } };
end

--- <deliver/>: returns why it cannot be, or nil; `done` is called with a reason when it turns out later that it cannot be.
local function deliver(command, lease, done)
	local n, to = command.attr.n, jid.prep(command.attr.to);
	local message = protocol.unwrapped(command);
	if not n or not message or not is_local_user(message.attr.from) or not jid.resource(to) then
		return done("malformed");
	end
	local from, bare = jid.bare(message.attr.from), jid.bare(to);
	local known = gate.outcomes.get(n);
	if jid.bare(message.attr.to) ~= bare or known and (known.from ~= from or known.to ~= bare) then
		return done("not-addressee");
	end
	gate.queues.add_before_later(from.." "..bare, { ready = true; run = function ()
		local note = not gate.outcomes.get(n) and gate.notes.take(from, bare, message);
		if note then
			-- The server has written it by itself.
			local record = gate.outcomes.remember(n, from, bare, message.attr.id, message:get_child_text("body"), true);
			gate.outcomes.belongs(record, lease);
			gate.outcomes.conclude(record, { copy = command.attr.copy or "2"; state = "sent"; sessions = { note.given } });
			gate.proofs.adopt(note, record);
			return done();
		end
		local session = prosody.full_sessions[to];
		if not session or not is_local_user(to) then
			return done("no-session");
		end
		local record = gate.outcomes.remember(n, from, bare, message.attr.id, message:get_child_text("body"), true);
		gate.outcomes.belongs(record, lease);
		gate.outcomes.conclude(record, write(session, record, command.attr.copy or "2", message));
		done();
	end }, counter_of(n));
end

--- <tell/>: the same.
local function tell(command, done)
	local message = protocol.unwrapped(command);
	if not message or (message.attr.id or "") == "" or message.attr.type ~= "error" and message:get_child("body") then
		return done("malformed");
	elseif not is_local_user(message.attr.from) or not is_local_user(message.attr.to) then
		return done("forbidden");
	end
	gate.queues.add(jid.bare(message.attr.from).." "..jid.bare(message.attr.to), { ready = true; run = function ()
		module:send(message);
		done();
	end });
end

return { deliver = deliver; tell = tell };

end
