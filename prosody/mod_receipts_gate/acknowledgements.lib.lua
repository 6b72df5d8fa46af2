-- What senders are told: that the component has stored their messages. Each is told once; who comes back in another session asks by
-- sending the message again.

local new_id = require "util.id".short;
local st = require "util.stanza";

local protocol = module:require "protocol";
local settings = module:require "settings";

return function (gate)

-- By session: messages that it is still to be told of, in that order.
local owed = {};

local function write(session, entry)
	local attr = entry.event.stanza.attr;
	session.send(st.message({ from = settings.component, to = attr.from, id = new_id() })
		:tag("stored", { xmlns = protocol.NS_OWN, id = attr.id, to = entry.to, durability = entry.lease.acks }):up()
		:tag("no-store", { xmlns = "urn:xmpp:hints" }):up());
end

--- Tells a session now what it is owed. To be called before anything else is written to it: the server may have read the recipient's
-- receipt, or has returned the message, before what was left for later is done.
local function pay(session)
	local entries = owed[session];
	owed[session] = nil;
	for _, entry in ipairs(entries and not session.destroyed and entries or {}) do
		write(session, entry);
	end
end

--- The session that has sent a message is told soon: who waits for the message itself comes first.
local function owe(lease, entry)
	-- Its event names another session once this one has ended.
	local session = entry.event.origin;
	local entries = owed[session];
	if entries then
		table.insert(entries, entry);
		return;
	end
	owed[session] = { entry };
	gate.leases.later(lease, function () pay(session); end);
end

return { owe = owe, pay = pay };

end
