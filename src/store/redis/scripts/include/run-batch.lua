-- Carries out all operations of ARGV by `run`, and gives what they came to.
local at = 11
local last = #ARGV

-- Carries out the operation at `at` by itself.
local function step()
  local result, width = run(ARGV[at], at)
  results[#results + 1] = tostring(result)
  at = at + width
end
--- @include "run-ahead"

local faults = {}
lazily(faults, function()

-- Whether an error says something of the operation, and not that Redis takes no writes now: then nothing goes on.
local function is_of_operation(text)
  if text:find("executing the script can't", 1, true) then return false end
  return text:find('^WRONGTYPE') ~= nil or text:find('^ERR ') ~= nil or text:find('^user_script') ~= nil
end

-- What an operation that was broken off leaves, and the next must not meet: it may have looked into another shard, and been told of its
-- sender's sessions.
local function forget_its_own()
  shards.use(batch_shard)
  duplicates.sessions = false
end

-- Gives the operation at `at` a second try if it met a damaged record, else an error for its result. Returns an error that is
-- not the operation's own.
function faults.step_over(text)
  local operation = ARGV[at]
  forget_its_own()
  local width = operations.width_of(operation, at)
  if width ~= nil and text == 'NEEDS' then
    results[#results + 1] = 'needs'
    at = at + width
    return nil
  end
  if width == nil or not is_of_operation(text) then return text end
  local inspected, found = pcall(quarantine.inspect, tostring(ARGV[at + 1]))
  local done, result = false, nil
  if inspected and found then
    done, result = pcall(run, operation, at)
    if not done then forget_its_own() end
  end
  results[#results + 1] = done and tostring(result) or 'fault\0' .. text
  at = at + width
  return nil
end
end)

-- Carries out what is left. An error leaves `at` at the operation that it came from: one protected call for all of them costs
-- less than one for each.
local function run_all()
  while at <= last do
    local width = width_in_row(at)
    if width and (at < prepared or ROWS[ARGV[at + width]]) then ahead.run() else step() end
  end
end

while at <= last do
  local done, problem = pcall(run_all)
  if not done then
    problem = faults.step_over(tostring(type(problem) == 'table' and problem.err or problem))
    if problem then return redis.error_reply(problem) end
  end
end
flush_all()
write_ages()
if delivered.is_used or #gathered.told > 0 then delivered.keep_up(0) end
-- Replies would be taken for others' otherwise.
if at ~= last + 1 then return redis.error_reply('ERR the arguments of the operations do not add up') end
return results
