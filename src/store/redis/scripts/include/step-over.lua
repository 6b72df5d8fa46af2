-- What becomes of an operation that ended in an error.

-- Whether an error says something of the operation, and not that Redis takes no writes now: then nothing goes on.
local function is_of_operation(text)
  if text:find("executing the script can't", 1, true) then return false end
  return text:find('^WRONGTYPE') ~= nil or text:find('^ERR ') ~= nil or text:find('^user_script') ~= nil
end

-- What an operation that was broken off leaves, and the next must not meet: it may have looked into another shard, and been told of its
-- sender's sessions, or of which record alone it is.
local function forget_its_own()
  shards.use(batch_shard)
  duplicates.sessions = false
  only = false
end

-- Gives the operation at `at` a second try if it met a damaged record, else an error for its result. Returns an error that is
-- not the operation's own.
function others.step_over(text)
  local operation = ARGV[at]
  forget_its_own()
  local width = operations.width_of(operation, at)
  if width ~= nil and text == 'NEEDS' then
    results[#results + 1] = 'needs'
    at = at + width
    return nil
  end
  if width == nil or not is_of_operation(text) then return text end
  local inspected, found = pcall(quarantine.inspect, tostring(ARGV[operation == 'only' and at + 3 or at + 1]))
  local done, result = false, nil
  if inspected and found then
    done, result = pcall(run, operation, at)
    if not done then forget_its_own() end
  end
  results[#results + 1] = done and tostring(result) or 'fault\0' .. text
  at = at + width
  return nil
end
