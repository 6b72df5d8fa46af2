-- The gate of openfire-receipts for Prosody: holds each one-to-one message in memory until the component has stored it, and lets
-- it go its ordinary way. See docs/gate-protocol.md for what gate and component say to each other.

local filters = require "util.filters";
local random_bytes = require "util.random".bytes;

local protocol = module:require "protocol";
local settings = module:require "settings";

local function random_epoch()
	local digits = {};
	for byte in random_bytes(13):gmatch(".") do
		local digit = byte:byte() % 36;
		table.insert(digits, ("0123456789abcdefghijklmnopqrstuvwxyz"):sub(digit + 1, digit + 1));
	end
	return table.concat(digits);
end

-- What outlives a reload of this module, and an unload for a while.
local gate = { state = module.saved_state or module:require("kept").take() or { epoch = random_epoch(), counter = 0 } };
for _, part in ipairs({ "connections", "leases", "telling", "queues", "sessions", "proofs", "outcomes", "receipts", "notes", "offline", "routing", "unheld", "deleted", "acknowledgements", "holds", "deliveries", "commands" }) do
	local made = module:require(part);
	gate[part] = type(made) == "function" and made(gate) or made;
end

-- Before everybody else, so that what is held was seen by nobody. In mod_message's order: -1 is its own place.
local FIRST, BEFORE_MOD_MESSAGE = 1000, -0.9;

for _, kind in ipairs({ "bare", "full", "host" }) do
	module:hook("pre-message/"..kind, function (event) protocol.remove_ours(event.stanza); end, FIRST + 1);
end
for _, kind in ipairs({ "bare", "full" }) do
	module:hook("pre-message/"..kind, gate.holds.intercept, FIRST);
	module:hook("message/"..kind, gate.routing.reached, BEFORE_MOD_MESSAGE);
end
module:wrap_event("message/offline/handle", gate.routing.store_offline);
module:wrap_event("message/offline/broadcast", gate.offline.flush);
module:hook("delivery/failure", gate.proofs.on_failure, 10);
module:hook("iq-set/host/"..protocol.NS..":gate", gate.commands.on_iq);
module:hook("iq-get/host/"..protocol.NS..":gate", gate.commands.on_question);
module:hook("iq/host", gate.proofs.on_iq, FIRST);
module:hook("iq/host", gate.telling.on_iq, FIRST);
for _, version in ipairs({ "2", "3" }) do
	module:hook("stanza/urn:xmpp:sm:"..version..":a", gate.proofs.on_ack, FIRST);
end

module:wrap_event("presence/bare", gate.sessions.presence);
module:hook("resource-bind", function (event) gate.sessions.tell(event.session, "bound"); end);
module:hook("smacks-hibernation-start", function (event) gate.sessions.tell(event.origin, "detached"); end);
module:hook("smacks-hibernation-end", function (event)
	gate.sessions.tell(event.resumed, "resumed");
	gate.proofs.on_resumed(event.resumed);
end);
module:hook_global("user-deleted", function (event)
	if event.host == module.host then
		gate.deleted.deleted(event.username);
	end
end);
module:hook("csi-flushing", function (event) gate.proofs.awake(event.session); end);
module:hook("csi-client-active", function (event) gate.proofs.awake(event.origin); end, -1);
-- Where Prosody does not say this, no session is said to have ended in order.
module:hook_global("server-stopping", function () gate.sessions.shut_down(); end, 100);
module:hook("pre-session-close", function (event) gate.sessions.closing(event.session, event.reason); end, -100);
module:hook("resource-unbind", function (event)
	gate.proofs.ended(event.session);
	gate.sessions.gone(event.session);
end, -100);

-- What is written to a client, after all other filters but mod_smacks' (-999), which counts it.
local LAST_BUT_SMACKS = -998;

local function see_outgoing(stanza, session)
	if not session.resending_unacked then
		gate.acknowledgements.pay(session);
		gate.routing.observe(stanza, session);
		gate.offline.observe(stanza, session);
	end
	return stanza;
end

local function watch(session)
	if session.type:sub(1, 3) ~= "c2s" then
		return
	end
	filters.add_filter(session, "stanzas/out", see_outgoing, LAST_BUT_SMACKS);
end

local function each_client(callback)
	for _, session in pairs(module:shared("/*/c2s/sessions")) do
		callback(session);
	end
	gate.sessions.each(callback); -- the detached ones, and those of BOSH
end

local function load()
	filters.add_filter_hook(watch);
	each_client(watch);
	gate.proofs.resume();
	gate.receipts.catch_up();
end

function module.unload()
	gate.leases.finish_all("unloading");
	module:require("kept").keep(gate.state);
	filters.remove_filter_hook(watch);
	each_client(function (session)
		filters.remove_filter(session, "stanzas/out", see_outgoing);
	end);
end

function module.save()
	return gate.state;
end

load();

if settings.several then
	if prosody.hosts[settings.component] then
		gate.connections.open();
	else
		module:hook_global("host-activated", function (host)
			if host == settings.component then
				gate.connections.open();
			end
		end);
	end
end
