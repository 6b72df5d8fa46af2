-- What the component asks of the gate: one IQ with any number of commands, answered when all are carried out.

local st = require "util.stanza";
local time = require "util.time";
local now = time.monotonic or time.now;

local protocol = module:require "protocol";
local settings = module:require "settings";
local element = protocol.element;

local VERSION = "1";
local GATE = "0.1.0";

return function (gate)

local commands = {};

for _, verdict in ipairs({ "stored", "pass", "drop" }) do
	commands[verdict] = function (command, lease)
		gate.holds.verdict(lease, command.attr.n, verdict, command.attr.ack == "true");
	end;
end

function commands.deliver(command, lease, done)
	gate.deliveries.deliver(command, lease, done);
	return true;
end

function commands.tell(command, _, done)
	gate.deliveries.tell(command, done);
	return true;
end

function commands.ask(command, lease)
	gate.holds.ask(lease, command.attr.n);
end

function commands.forget(command, lease)
	gate.outcomes.forget_for(lease, command.attr.n);
end

-- What a process has said of its ledger last, for the next one: it outlives leases.
function commands.renew(command)
	local mark = command.attr.ledger;
	if mark and #mark <= 200 and mark ~= gate.state.ledger then
		gate.state.ledger, gate.state.ledger_at = mark, now();
	end
end

function commands.disable(_, lease)
	gate.leases.finish(lease, "disabled");
end

function commands.sessions(command, _, _, answer)
	local user = command.attr.jid and command.attr.jid:match("^([^@]+)@");
	if user then
		gate.sessions.each(function (session)
			answer:add_child(element("session", gate.sessions.describe(session, gate.sessions.state_of(session))));
		end, user);
	end
end

local function enabled(lease)
	return element("enabled", {
		version = VERSION; token = lease.token; epoch = gate.state.epoch; gate = GATE;
		server = "Prosody "..(prosody.version or "");
		timeout = ("%d"):format(lease.timeout * 1000); lease = ("%d"):format(lease.length * 1000); proofs = "sm ping";
		receipts = lease.routes_receipts and "routed" or nil;
		acks = lease.acks and "true" or nil;
		ledger = gate.state.ledger;
		["ledger-age"] = gate.state.ledger and ("%d"):format(math.floor((now() - gate.state.ledger_at) * 1000)) or nil;
	});
end

--- All that a process which has just begun needs to know.
local function tell_all(lease)
	gate.sessions.each(function (session)
		gate.telling.add(lease, session);
	end);
	gate.outcomes.tell_all(lease);
	gate.deleted.tell(lease);
	gate.telling.go_on(lease);
end

local function forbidden(origin, stanza, text)
	origin.send(st.error_reply(stanza, "auth", "forbidden", text));
	return true;
end

--- Only the component's own connection is heard, and but for `enable` only with the token of its lease.
local function on_iq(event)
	local origin, stanza = event.origin, event.stanza;
	local request = stanza.tags[1];
	if origin.type ~= "component" or origin.host ~= settings.component then
		return forbidden(origin, stanza, "Only the component may speak to the gate");
	end
	local reply = st.reply(stanza);
	local lease = gate.leases.get(origin);
	local first = request.tags[1];
	if first and first.name == "enable" then
		lease = gate.leases.start(origin, first.attr);
		origin.send(reply:tag("gate", { xmlns = protocol.NS, token = lease.token }):add_child(enabled(lease)));
		tell_all(lease);
		gate.proofs.on_enabled();
		return true;
	end
	if not lease or request.attr.token ~= lease.token then
		return forbidden(origin, stanza, "No lease, or another token");
	end
	gate.leases.heard(lease);
	local answer = element("gate", { xmlns = protocol.NS, token = lease.token });
	local pending = 1;
	local function write()
		if not origin.destroyed then
			gate.leases.flush(lease);
			origin.send(reply:add_child(answer));
		end
	end
	local function one_done()
		pending = pending - 1;
		if pending == 0 and not gate.telling.behind(lease, write) then
			gate.leases.later(lease, write);
		end
	end
	for _, command in ipairs(request.tags) do
		local carry_out = commands[command.name];
		-- A command before it may have ended the lease.
		if carry_out and not lease.ended then
			local function done(reason)
				if reason then
					answer:add_child(element("failed", { command = command.name, n = command.attr.n, reason = reason }));
				end
				one_done();
			end
			pending = pending + 1;
			if not carry_out(command, lease, done, answer) then
				one_done();
			end
		end
	end
	one_done();
	return true;
end

--- What this gate is, without a lease: for who looks whether all is set up.
local function on_question(event)
	local origin, stanza = event.origin, event.stanza;
	if origin.type ~= "component" or origin.host ~= settings.component then
		return forbidden(origin, stanza, "Only the component may speak to the gate");
	end
	origin.send(st.reply(stanza):tag("gate", {
		xmlns = protocol.NS; version = VERSION; gate = GATE; server = "Prosody "..(prosody.version or ""); proofs = "sm ping";
	}));
	return true;
end

return { on_iq = on_iq, on_question = on_question };

end
