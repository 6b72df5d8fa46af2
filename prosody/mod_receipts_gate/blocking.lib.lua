-- Whether a user has blocked another (XEP-0191), as mod_blocklist stores it: a redelivery goes past its hooks.

local jid = require "util.jid";

local store = module:open_store("blocklist");

local function is_blocked(user, by)
	local node, host = jid.split(by);
	local username = jid.split(user);
	local list = store:get(username);
	return list ~= nil and (list[by] or list[node.."@"..host] or list[host]) ~= nil;
end

return { is_blocked = is_blocked };
