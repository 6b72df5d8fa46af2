-- What the log says of a failure: where it was, and never its text, which may quote a message.

local function in_one_line(trace)
	return (trace:gsub("^%s*stack traceback:%s*", ""):gsub("%s*\n%s*", "; "));
end

--- For xpcall.
local function place()
	return in_one_line(debug.traceback("", 2));
end

--- Of an error that has its trace behind its text, or none.
local function place_in(err)
	local trace = type(err) == "string" and err:match(".*(\nstack traceback:.*)");
	return trace and in_one_line(trace) or "somewhere";
end

return {
	place = place;
	place_in = place_in;
};
