-- How many records are pending, by when they were stored. `sub` and `find` are those of record.lua.

-- A command on something that is kept beside records. What stands there that was not written here would stop every call, too, and is of no
-- use: it is taken away.
local function on_own(command, name, ...)
  local reply = redis.pcall(command, name, ...)
  if type(reply) ~= 'table' or not reply.err then return reply end
  if find(reply.err, 'WRONGTYPE', 1, true) or find(reply.err, 'not an integer', 1, true) then redis.call('DEL', name) end
  return redis.call(command, name, ...)
end

-- How many pending records this script has gained or lost, by the ten seconds that they were stored in (the first digits
-- of the time); made into minutes and written once, at its end: for all shards with the first, which costs as much as one shard does.
local tens = {}

local function write_ages()
  local name, minutes = KEYS[1] .. ':ages', {}
  for ten, change in pairs(tens) do
    local minute = tonumber(ten)
    -- What was no record does not say when it was stored.
    if minute then
      minute = math.floor(minute / 6)
      minutes[minute] = (minutes[minute] or 0) + change
    end
  end
  for minute, change in pairs(minutes) do
    if change ~= 0 and on_own('HINCRBY', name, minute, change) <= 0 then
      redis.call('HDEL', name, minute)
    end
  end
  tens = {}
end
