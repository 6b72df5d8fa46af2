-- For tests: unloads and reloads the gate's module, and makes the server's own handlers fail or wait.

local st = require "util.stanza";
local async = require "util.async";
local modulemanager = require "core.modulemanager";
local usermanager = require "core.usermanager";

local NS = "urn:test:gate-control";
local waiting = {};

local function command(name, carry_out)
	module:hook("iq-set/host/"..NS..":"..name, function (event)
		carry_out(event.origin);
		event.origin.send(st.reply(event.stanza));
		return true;
	end);
end

command("unload", function () modulemanager.unload(module.host, "receipts_gate"); end);
command("load", function () modulemanager.load(module.host, "receipts_gate"); end);
command("reload", function () modulemanager.reload(module.host, "receipts_gate"); end);
command("delete", function ()
	usermanager.create_user("dave", "pw", module.host);
	usermanager.delete_user("dave", module.host);
end);
command("go-on", function ()
	for _, done in ipairs(waiting) do
		done();
	end
	waiting = {};
end);

-- What the server has in its memory, bytes.
module:hook("iq-set/host/"..NS..":memory", function (event)
	collectgarbage();
	collectgarbage();
	event.origin.send(st.reply(event.stanza):tag("memory", { xmlns = NS, bytes = ("%d"):format(collectgarbage("count") * 1024) }));
	return true;
end);

-- Ends all sessions but the one that asks, detached ones too, and empties the offline storage.
command("clear", function (origin)
	for _, user in pairs(prosody.hosts[module.host].sessions) do
		for _, session in pairs(user.sessions) do
			if session ~= origin then
				session:close("reset");
			end
		end
	end
	for _, username in ipairs({ "alice", "bob", "carol" }) do
		module:open_store("offline", "archive"):delete(username);
	end
end);

-- What the text of a message asks for, on its way to its recipient.
local function act(event)
	local body = event.stanza:get_child_text("body") or "";
	if body:find("^Throw") then
		error("as the test wants it: "..body);
	elseif body:find("^Swallow") then
		return true;
	elseif body:find("^Slow") then
		local wait, done = async.waiter();
		table.insert(waiting, done);
		wait();
	end
end

-- His offline storage is full.
local function is_full(event)
	if (event.stanza:get_child_text("body") or ""):find("^Full") then
		return false;
	end
end

module:hook("message/offline/handle", is_full, 50);
module:hook("message/bare", act, 50);
module:hook("message/full", act, 50);
