-- The lease of the component's connection: who may speak to the gate, and how long messages are held for it.

local st = require "util.stanza";
local random_id = require "util.id".long;
local time = require "util.time";
local wall_clock = time.monotonic or time.now;

local protocol = module:require "protocol";
local settings = module:require "settings";

local TICK = 0.1;

return function (gate)

local current = nil;

-- The component's timeout is measured in s of a clock that goes on by a third of it at most in one turn of the server's loop: an
-- answer that waits in its socket, while the server itself is busy or stopped, is not late; nor does a message wait for longer than
-- the timeout because each turn takes a little longer than usual.
local clock = { time = 0; ticked = 0 };

local function now()
	return clock.time;
end

local function advance(lease)
	local at = wall_clock();
	clock.time = clock.time + math.min(at - clock.ticked, math.max(2 * TICK, lease.timeout / 3));
	clock.ticked = at;
end

--- The lease, or nil. Its fields: session, token, process, timeout and length (s), answered (verdicts), heard_at, unread (bytes).
local function get()
	return current;
end

local function write(lease, events)
	local message = st.message({ from = module.host, to = settings.component })
		:tag("gate", { xmlns = protocol.NS, token = lease.token });
	for _, event in ipairs(events) do
		message:add_child(event);
	end
	local text = tostring(message);
	lease.unread = lease.unread + #text;
	lease.session.send(text);
	return #text;
end

local finish;

--- Writes an event to the component, if it holds a lease. Returns the bytes written, 0 without a lease.
local function emit(event)
	local lease = current;
	if not lease then
		return 0;
	end
	local size = write(lease, { event });
	if lease.unread > settings.max_queue_bytes then
		finish("overflow");
		lease.session:close({ condition = "resource-constraint", text = "The gate's events are not read" });
	end
	return size;
end

--- Ends the lease: from here on nothing is held, and what was is let go. Does nothing without a lease.
function finish(why)
	local lease = current;
	if not lease then
		return
	end
	current = nil;
	if lease.session.on_destroy == lease.on_destroy then
		lease.session.on_destroy = lease.on_destroy_before;
	end
	local held = gate.holds.take_all();
	if why ~= "closed" and not lease.session.destroyed then
		write(lease, { protocol.element("opened", { why = why; held = tostring(held.count) }) });
	end
	module:log(why == "disabled" and "info" or "warn", "The lease of %s ended (%s); %d messages are let go", lease.process, why, held.count);
	held.let_go();
end

local function watch(lease)
	lease.on_destroy_before = lease.session.on_destroy;
	lease.on_destroy = function (...)
		if lease.on_destroy_before then
			lease.on_destroy_before(...);
		end
		if current == lease then
			finish("closed");
		end
	end
	lease.session.on_destroy = lease.on_destroy;
end

local function start(session, attr)
	if current and current.session ~= session then
		finish("silence");
	end
	local function at_most(wanted, most)
		wanted = tonumber(wanted);
		return wanted and wanted > 0 and math.min(wanted, most) or most;
	end
	local is_new = current == nil;
	local lease = current or { session = session; token = random_id(); unread = 0 };
	lease.process = tostring(attr.process or "?"):sub(1, 64);
	lease.timeout = at_most(attr.timeout, settings.timeout) / 1000;
	lease.length = at_most(attr.lease, settings.lease) / 1000;
	lease.heard_at, lease.answered = now(), lease.answered or 0;
	current = lease;
	if is_new then
		watch(lease);
		clock.ticked = wall_clock();
		module:add_timer(TICK, function ()
			if current ~= lease then
				return
			end
			advance(lease);
			if now() - lease.heard_at > lease.length then
				finish("silence");
				return
			end
			gate.holds.sweep(lease);
			return TICK;
		end);
	end
	module:log("info", "The component's process %s holds a lease", lease.process);
	return lease;
end

local function heard(lease)
	lease.heard_at, lease.unread = now(), 0;
end

return {
	get = get;
	emit = emit;
	write = write;
	start = start;
	finish = finish;
	heard = heard;
	now = now;
};

end
