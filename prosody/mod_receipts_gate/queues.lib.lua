-- One queue (FIFO) for each direction of a conversation. What is ready at its head is carried out; the rest waits.
-- An entry is a table: `run` (a function), `ready`, and for a held message `counter` (of its number n).

local async = require "util.async";
local xpcall = require "util.xpcall".xpcall;

local faults = module:require "faults";

local queues = {};
-- Runners without work: to make one costs more than most entries.
local idle = {};
local MOST_IDLE = 100;

local function carry_out(queue)
	while true do
		local entry = queue[1];
		if not entry or not entry.ready then
			break
		end
		table.remove(queue, 1);
		local ok, place = xpcall(entry.run, faults.place, entry);
		if not ok then
			module:log("error", "An entry of a conversation's queue failed: %s", place);
		end
	end
	queue.running = false;
	if not queue[1] and queues[queue.key] == queue then
		queues[queue.key] = nil;
		-- Should it be taken before this call has returned, it is run right after.
		if #idle < MOST_IDLE then
			table.insert(idle, queue.runner);
		end
	end
end

local function new_runner()
	return async.runner(carry_out, {
		error = function (_, err) module:log("error", "A conversation's queue failed: %s", faults.place_in(err)); end;
	});
end

-- In a runner, since an archive or a storage of the server's may have to wait; the queue then goes on later, in order.
local function drain(key)
	local queue = queues[key];
	if not queue or queue.running then
		return
	end
	queue.running = true;
	queue.runner = queue.runner or table.remove(idle) or new_runner();
	queue.runner:run(queue);
end

local function opened(key)
	local queue = queues[key];
	if not queue then
		queue = { key = key; running = false };
		queues[key] = queue;
	end
	return queue;
end

--- Whether something is in the queue or is being carried out.
local function busy(key)
	return queues[key] ~= nil;
end

local function add(key, entry)
	table.insert(opened(key), entry);
	if entry.ready then
		drain(key);
	end
end

--- Puts an entry before the first message that waits for its verdict and has a larger number.
local function add_before_later(key, entry, counter)
	local queue = opened(key);
	local at = #queue + 1;
	for i, one in ipairs(queue) do
		if not one.ready and one.counter > counter then
			at = i;
			break
		end
	end
	table.insert(queue, at, entry);
	drain(key);
end

return {
	add = add;
	add_before_later = add_before_later;
	busy = busy;
	drain = drain;
};
