-- Which session was sent what, and what proves that its client has it (rules 16 and 17 of the gate).

local st = require "util.stanza";
local time = require "util.time";
local monotonic = time.monotonic or time.now;
local new_id = require "util.id".medium;

local protocol = module:require "protocol";
local settings = module:require "settings";

return function (gate)

-- By session: { items, first, last, ping, watched, scheduled, failed }. An item is { record, copy, signature, position, at, acked, done };
-- `at` is when it was written (s, of a clock that does not step where Prosody has one); `position` is the value of h that acknowledges it, where stream management counts it; `acked`: mod_smacks has let go of it;
-- `done`: its proof, or its return, is known.
local tracked = gate.state.tracked or setmetatable({}, { __mode = "k" });
gate.state.tracked = tracked;

-- mod_smacks of 0.12 has a queue with counts; before, it was a table beside a count.
local function next_position(session)
	local queue = session.outgoing_stanza_queue;
	if not session.smacks or not queue then
		return nil;
	elseif queue.count_acked then
		return queue:count_acked() + queue:count_unacked() + 1;
	end
	return (session.last_acknowledged_stanza or 0) + #queue + 1;
end

local function each_open(track, last, callback)
	for i = track.first, last do
		local item = track.items[i];
		if not item.done and callback(item, i) then
			break
		end
	end
	-- What was proved by a ping and not acknowledged is still routed again by the server when the session ends.
	while track.first <= track.last do
		local item = track.items[track.first];
		if not item.done or item.position and not item.acked then
			break
		end
		track.items[track.first] = nil;
		track.first = track.first + 1;
	end
end

-- A session that has ended may have no JID any more.
local function evidence(session, item, attr)
	attr.jid, attr.session = item.jid, gate.sessions.id(session);
	return attr;
end

local function prove(session, item, by)
	item.done = true;
	gate.outcomes.saw(item.record, "has", evidence(session, item, { by = by }));
end

--- The oldest item that wants a proof, or nil.
local function wants_proof(track)
	local oldest = nil;
	each_open(track, track.last, function (item)
		-- Of what is noted alone nobody may ever ask.
		if not item.record.forgotten and not item.record.note then
			oldest = item;
		end
		return oldest ~= nil;
	end);
	return oldest;
end

local schedule;

--- A ping without an answer is out no longer after a while: its answer, or the ping itself, may be lost, and what the session was sent
-- since would never be asked for. One timer a session: most pings are answered at once.
local function watch_ping(session, track)
	if track.watched then
		return
	end
	track.watched = true;
	module:add_timer(settings.ping_timeout / 1000, function ()
		local asked = tracked[session] == track and track.ping;
		local left = asked and (asked.at or 0) + settings.ping_timeout / 1000 - monotonic();
		if left and left > 0.001 then
			-- That of Prosody 0.11 may have been set back meanwhile.
			return math.min(left, settings.ping_timeout / 1000);
		end
		track.watched = false;
		if asked then
			track.ping = nil;
			schedule(session, track, 0);
		end
	end);
end

local function ping(session, track)
	track.ping = { id = new_id(); last = track.last; position = next_position(session); at = monotonic() };
	watch_ping(session, track);
	session.send(st.iq({ type = "get", id = track.ping.id, from = module.host, to = session.full_jid })
		:tag("ping", { xmlns = "urn:xmpp:ping" }));
end

--- Pings the client behind what it was sent, a little later, if nothing else has proved it by then; one ping at a time. Each message
-- has that time: who confirms all of them is not pinged because one is always on its way.
-- Over BOSH an answer proves less, so a receipt is needed there. A client that is inactive (XEP-0352) is not woken for it: what
-- mod_csi_simple keeps back is pinged for when it is flushed.
function schedule(session, track, delay)
	if track.scheduled or track.ping or session.bosh_version then
		return
	end
	track.scheduled = true;
	module:add_timer(delay or settings.ping_delay / 1000, function ()
		track.scheduled = false;
		if tracked[session] ~= track or session.destroyed or session.hibernating or track.ping
			or session.state == "inactive" or not gate.leases.any() then
			return;
		end
		local oldest = wants_proof(track);
		local left = oldest and (oldest.at or 0) + settings.ping_delay / 1000 - monotonic();
		if left and left > 0.001 then
			-- That of Prosody 0.11 may have been set back meanwhile.
			schedule(session, track, math.min(left, settings.ping_delay / 1000));
		elseif left then
			ping(session, track);
		end
	end);
end

--- The client is active again, or is sent what was kept back.
local function awake(session)
	local track = tracked[session];
	if track and wants_proof(track) then
		schedule(session, track);
	end
end

--- To be called right before a stanza with this message is written.
local function track_item(session, record, copy, signature)
	local track = tracked[session] or { items = {}; first = 1; last = 0 };
	tracked[session] = track;
	track.last = track.last + 1;
	local item = { record = record; copy = copy; signature = signature; position = next_position(session); at = monotonic(); jid = session.full_jid };
	track.items[track.last] = item;
	table.insert(record.items, item);
	item.session = session;
	schedule(session, track);
end

--- The client acknowledged the stanzas up to h: the last of them may be one too many, so a later one has to be covered as well.
local function acknowledged(session, h)
	local track = tracked[session];
	if not track then
		return
	end
	for i = track.first, track.last do
		local item = track.items[i];
		if item.position and item.position > h then
			break
		end
		item.acked = true;
	end
	each_open(track, track.last, function (item)
		if item.position and item.position < h then
			prove(session, item, "sm");
		elseif item.position and item.position == h and item.record.forgotten then
			item.done = true;
		end
		return item.position and item.position >= h;
	end);
	-- It has the ping, so that another may be sent, whether it answers or not.
	if track.ping and track.ping.position and track.ping.position <= h then
		track.ping = nil;
	end
	if wants_proof(track) then
		schedule(session, track);
	end
end

--- Before mod_smacks handles <a/>. A count that was never sent proves nothing; mod_smacks ends that stream.
local function on_ack(event)
	local session, h = event.origin, tonumber(event.stanza.attr.h);
	local sent = next_position(session);
	if h and sent and h < sent then
		acknowledged(session, h);
	end
end

local function on_resumed(session)
	local queue = session.outgoing_stanza_queue;
	local track = tracked[session];
	if not track then
		return
	end
	acknowledged(session, queue and queue.count_acked and queue:count_acked() or session.last_acknowledged_stanza or 0);
end

--- An answer to the server's ping counts when it came on the session that was pinged.
local function on_iq(event)
	local session, stanza = event.origin, event.stanza;
	local track = tracked[session];
	local asked = track and track.ping;
	local kind = stanza.attr.type;
	if not asked or stanza.attr.id ~= asked.id or kind ~= "result" and kind ~= "error" then
		return
	end
	track.ping = nil;
	each_open(track, asked.last, function (item)
		prove(session, item, "ping");
	end);
	if wants_proof(track) then
		schedule(session, track);
	end
	return true;
end

--- The server is about to route again what a session had not acknowledged. Returns true for what is ours: the component does it. What
-- is only noted may be nobody's but the server's.
-- The failures come in the order of the queue, as the items are.
local function on_failure(event)
	local track = tracked[event.session];
	local stanza = event.stanza;
	if not track or stanza.name ~= "message" then
		return
	end
	local from = math.max(track.failed or 0, track.first - 1) + 1;
	for i = from, track.last do
		local item = track.items[i];
		if not item.acked and protocol.has_signature(stanza, item.signature) then
			track.failed = i;
			return not item.record.note or nil;
		end
	end
end

--- The session is gone for good.
local function ended(session)
	local track = tracked[session];
	if not track then
		return
	end
	tracked[session] = nil;
	each_open(track, track.last, function (item)
		item.done = true;
		gate.outcomes.saw(item.record, "returned", evidence(session, item, {}));
	end);
end

--- Whether this session was sent the message and its client has not confirmed it.
local function has_open(session, record)
	for _, item in ipairs(record.items) do
		if item.session == session and not item.done then
			return true;
		end
	end
	return false;
end

--- The client has returned a receipt: no other proof is wanted of it, and its session does not end without one.
local function confirmed(session, record)
	for _, item in ipairs(record.items) do
		if item.session == session then
			item.done = true;
		end
	end
end

--- The component knows what was only noted: it is a message of that record from now on.
local function adopt(note, record)
	for _, item in ipairs(note.items) do
		item.record = record;
		table.insert(record.items, item);
		awake(item.session);
	end
	for _, attr in ipairs(note.has) do
		gate.outcomes.saw(record, "has", attr);
	end
end

--- What is not counted needs no watching any more; what is counted is still recognised when the server routes it again.
local function forget(record)
	for _, item in ipairs(record.items) do
		if not item.position then
			item.done = true;
		end
	end
end

--- A component is there again: what was sent meanwhile can be proved now.
local function on_enabled()
	for session, track in pairs(tracked) do
		if not session.destroyed and wants_proof(track) then
			schedule(session, track);
		end
	end
end

--- After the module was loaded again, with the lists of before. Of what was asked in between the answer may be lost.
local function resume()
	for session, track in pairs(tracked) do
		track.scheduled, track.watched, track.ping = false, false, nil;
		if session.destroyed then
			ended(session);
		else
			schedule(session, track);
		end
	end
end

return {
	track = track_item;
	awake = awake;
	on_ack = on_ack;
	on_resumed = on_resumed;
	on_iq = on_iq;
	on_enabled = on_enabled;
	on_failure = on_failure;
	ended = ended;
	has_open = has_open;
	confirmed = confirmed;
	adopt = adopt;
	forget = forget;
	resume = resume;
};

end
