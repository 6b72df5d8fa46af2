-- The gate protocol's elements (docs/gate-protocol.md): what is ours, what is taken apart, what is put together.

local st = require "util.stanza";
local xml_escape = st.xml_escape;
local jid_bare = require "util.jid".bare;
local hash = require "util.hashes".sha1;

local NS = "urn:openfire-receipts:gate:1";
local NS_OWN = "urn:openfire-receipts:0";
local NS_ANY_VERSION = "^urn:openfire%-receipts:gate:";
local NS_CLIENT = "jabber:client";
local NS_COMPONENT = "jabber:component:accept";
local NS_RECEIPTS, NS_MARKERS = "urn:xmpp:receipts", "urn:xmpp:chat-markers:0";

-- What has a longer id no receipt finds: a client that makes such ones would fill the memory with them.
local LONGEST_ID = 4096;

-- Bytes. Of a longer body a digest is kept, of which nothing else would be in memory any more.
local LONGEST_BODY = 256;

-- What a message may hold without being worth a hold.
local TRIFLES = {
	["http://jabber.org/protocol/chatstates"] = true;
	["urn:xmpp:hints"] = true;
	["urn:xmpp:sid:0"] = true;
};

local function element(name, attr)
	return st.stanza(name, attr);
end

--- An event as text, with attributes and what is inside as text, if anything is.
local function event(name, attr, inside)
	local text = "<"..name;
	for key, value in pairs(attr) do
		text = text.." "..key.."='"..xml_escape(value).."'";
	end
	return inside and text..">"..inside.."</"..name..">" or text.."/>";
end

--- The name of a conversation of two bare JIDs.
local function pair(one, other)
	return one < other and one.." "..other or other.." "..one;
end

--- What a message is found by when a receipt names it; bare JIDs.
local function name(from, to, id)
	return from.." "..to.." "..id;
end

--- What a child of a message proves (a receipt of XEP-0184 or a marker of XEP-0333), and the id of the message that it names.
local function proof_in(child)
	local xmlns, id = child.attr.xmlns, child.attr.id;
	if xmlns == NS_RECEIPTS and child.name == "received" then
		return "receipt", id;
	elseif xmlns == NS_MARKERS and child.name ~= "markable" then
		return "marker", id;
	end
end

local function is_trifle(child)
	return TRIFLES[child.attr.xmlns] or child.name == "thread";
end

--- Whether a message has more than chat states, hints, ids and a thread.
local function has_content(stanza)
	for _, child in ipairs(stanza.tags) do
		if not is_trifle(child) then
			return true;
		end
	end
	return false;
end

local function is_ours(child)
	local xmlns = child.attr.xmlns;
	return xmlns ~= nil and xmlns:find(NS_ANY_VERSION) ~= nil;
end

--- Removes the elements of our namespace, of any version, from what a user sends.
local function remove_ours(stanza)
	for _, child in ipairs(stanza.tags) do
		if is_ours(child) then
			stanza:maptags(function (one)
				if not is_ours(one) then
					return one;
				end
			end);
			return
		end
	end
end

--- The message to show inside an envelope. It shares its children with the original and is only to be written.
local function shown(stanza)
	local attr, copy = {}, {};
	for name, value in pairs(stanza.attr) do
		attr[name] = value;
	end
	attr.xmlns = NS_CLIENT;
	for i = 1, #stanza do
		copy[i] = stanza[i];
	end
	copy.name, copy.attr, copy.tags = stanza.name, attr, stanza.tags;
	return setmetatable(copy, getmetatable(stanza));
end

local function to_stream_namespace(el, inside)
	local xmlns = el.attr.xmlns;
	local here = xmlns == nil and inside or xmlns == NS_CLIENT or xmlns == NS_COMPONENT;
	if here and inside then
		el.attr.xmlns = nil;
	end
	for _, child in ipairs(el.tags) do
		to_stream_namespace(child, here);
	end
end

--- The message that the component put into a command, as the server's parser would have made it: in a client's stream the
-- client's namespace is not named, so no copy has <body xmlns="jabber:client"> or <body xmlns="">.
local function unwrapped(command)
	local message = command.tags[1];
	if not message or message.name ~= "message" then
		return nil;
	end
	message = st.clone(message);
	to_stream_namespace(message, true);
	return message;
end

--- What a message's body is known again by, or nil without one.
local function words(stanza)
	local body = stanza:get_child_text("body");
	return body and #body > LONGEST_BODY and hash(body) or body;
end

--- Whether a message has the body of these words. Versions before kept each body whole.
local function says(stanza, expected)
	return expected == words(stanza) or expected == stanza:get_child_text("body");
end

--- What tells a message apart on its way through modules that clone it.
local function signature(stanza)
	local attr = stanza.attr;
	return {
		from = attr.from;
		to = jid_bare(attr.to);
		id = attr.id;
		type = attr.type;
		body = words(stanza);
	};
end

local function has_signature(stanza, expected)
	local attr = stanza.attr;
	return stanza.name == "message" and attr.from == expected.from and attr.id == expected.id and attr.type == expected.type
		and jid_bare(attr.to) == expected.to and says(stanza, expected.body);
end

return {
	NS = NS;
	NS_OWN = NS_OWN;
	LONGEST_ID = LONGEST_ID;
	element = element;
	event = event;
	pair = pair;
	name = name;
	proof_in = proof_in;
	is_trifle = is_trifle;
	has_content = has_content;
	remove_ours = remove_ours;
	shown = shown;
	unwrapped = unwrapped;
	words = words;
	says = says;
	signature = signature;
	has_signature = has_signature;
};
