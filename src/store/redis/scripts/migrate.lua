-- Takes over what a version without shards has written, a portion at a time: each thing is moved whole, or stays where it was. Keys of
-- messages did not begin with the recipient's partition then.
-- KEYS: prefixes of all shards, and that of the older ledger.
-- ARGV: message TTL, dedup window, retention (ms), the present time (ms), `records` and keys of messages, or `others` and names without
-- the prefix. `end`: all is moved; what is left belongs to nothing.
-- Reply: list of nothing; done, when another process has come to the end.
-- Complexity: O(n) for n keys or names, beside the lists, hashes and sets that are moved as a whole.
--- @include "stored-records"
--- @include "shards"
--- @include "older-copies"
--- @include "older-keys"
--- @include "quarantine"
--- @include "replies"
shards.count = #KEYS - 1
local old = KEYS[#KEYS]
local in_place = old == KEYS[1]
local identity = old .. ':identity'
if redis.call('HEXISTS', identity, 'format') == 1 then return 'done' end
times.ttl, times.window, times.retention, times.now = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])

local function old_name(kind, id) return old .. ':' .. kind .. ':' .. id end

local DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
local function with_partition(key, recipient)
  if key == '' then return key end
  local partition = shards.partition_of(recipient)
  local high, low = math.floor(partition / 64) + 1, partition % 64 + 1
  return sub(DIGITS, high, high) .. sub(DIGITS, low, low) .. sub(key, 1, KEY - 2) .. sub(key, older_keys.LENGTH + 1)
end

-- The present key of one of that time. It begins with the partition already where a version before format 6 was broken off.
local is_begun = false
local function present(key, recipient)
  if is_begun then return older_keys.shortened(key) end
  return with_partition(key, recipient)
end

local function name_by(kind, key) return kind == 'm' and record_name(key) or name_of(kind, key) end

-- Gives a name's time limit to another.
local function keep_time(from, to)
  local left = redis.call('PTTL', from)
  if left > 0 then redis.call('PEXPIRE', to, left) end
end

local function move(from, to)
  if from ~= to and redis.call('EXISTS', from) == 1 then redis.call('RENAME', from, to) end
end

-- A list of keys.
local function move_list(kind, key, recipient)
  local from, to = old_name(kind, key), name_of(kind, present(key, recipient))
  if redis.call('EXISTS', from) == 0 then return end
  for _, other in ipairs(redis.call('LRANGE', from, 0, -1)) do redis.call('RPUSH', to, present(other, recipient)) end
  keep_time(from, to)
  redis.call('DEL', from)
end

local function taken_over(name)
  local value = redis.pcall('GET', name)
  if type(value) == 'string' and legacy.is(value) then value = legacy.taken_over(value) end
  return is_sound(value) and value
end

local function move_record(key)
  is_begun = in_place and redis.call('SISMEMBER', old .. ':moved', key) == 1
  local value, letter = taken_over(old_name('m', key)), taken_over(old_name('u', key))
  local fields = (value or letter) and fields_of(value or letter)
  local recipient = fields and fields.recipient or quarantine.recipient_of(redis.pcall('GET', old_name('m', key)))
  local to = recipient and present(key, recipient) or older_keys.shortened(key)
  shards.use(shards.of_key(to))
  local function rewritten(record_value)
    local own = fields_of(record_value)
    return record.with(record_value, { alias = present(own.alias, own.recipient), target = present(own.target, own.recipient) })
  end
  for kind, known in pairs({ m = value, u = letter }) do
    if known then
      redis.call('SET', name_by(kind, to), rewritten(known))
      keep_time(old_name(kind, key), name_by(kind, to))
      redis.call('DEL', old_name(kind, key))
    end
  end
  for _, kind in ipairs({ 'm', 'u', 'q', 'life' }) do move(old_name(kind, key), name_by(kind, to)) end
  for _, ending in ipairs({ '', 'x', 'u', 'r' }) do
    local due = redis.call('ZSCORE', old .. ':due', key .. ending)
    if due then
      redis.call('ZREM', old .. ':due', key .. ending)
      redis.call('ZADD', due_set, due, to .. ending)
    end
  end
  local found = redis.call('ZSCORE', old .. ':damaged', key)
  if found then
    redis.call('ZREM', old .. ':damaged', key)
    redis.call('ZADD', name_of('damaged'), found, to)
    if redis.call('SREM', old .. ':damaged:new', key) == 1 then redis.call('SADD', name_of('damaged:new'), to) end
  end
  if not fields then return end
  if value and is_pending(value) and not in_place then count_pending(value, 1) end
  if redis.call('SREM', old_name('from', fields.sender), key) == 1 then
    redis.call('SADD', name_of('from', fields.sender), to)
    redis.call('PEXPIRE', name_of('from', fields.sender), math.max(times.window, times.retention) + times.ttl)
  end
  local out = redis.call('HGET', old_name('out', fields.recipient), key)
  local held = redis.call('HGET', old_name('held', fields.sender), key)
  redis.call('HDEL', old_name('out', fields.recipient), key)
  redis.call('HDEL', old_name('held', fields.sender), key)
  if held and in_place then redis.call('HDEL', old .. ':load', fields.sender .. ' ' .. fields.recipient) end
  older_copies.take_over(to, fields.recipient, out, held, fields.sender, in_place)
  local base = sub(key, 1, older_keys.LENGTH)
  move_list('i', base, fields.recipient)
  move_list('c', key, fields.recipient)
  if fields.alias ~= '' then move_list('i', fields.alias, fields.recipient) end
  if fields.target ~= '' then move_list('c', fields.target, fields.recipient) end
  write_ages()
end

local OF_USER = { confirms = true, sub = true, sessions = true, asked = true, granted = true, hidden = true, probed = true }
local OF_NONE = { caps = true, session = true, iq = true, alive = true, asking = true, clock = true }

local function move_other(name)
  local kind, id = match(name, '^([^:]+):?(.*)$')
  if OF_USER[kind] then
    shards.use(shards.of_user(match(id, '^[^%z]*')))
    move(old .. ':' .. name, prefix .. ':' .. name)
  elseif OF_NONE[kind] then
    shards.use(1)
    move(old .. ':' .. name, prefix .. ':' .. name)
  elseif name == 'subs' and not in_place then
    for _, contact in ipairs(redis.call('SMEMBERS', old .. ':subs')) do
      shards.use(shards.of_user(contact))
      redis.call('SADD', name_of('subs'), contact)
    end
    redis.call('DEL', old .. ':subs')
  elseif name == 'paused' and not in_place then
    local by = redis.call('GET', old .. ':paused')
    for position = 1, by and shards.count or 0 do redis.call('SET', KEYS[position] .. ':paused', by) end
    redis.call('DEL', old .. ':paused')
  elseif name == 'advance' then
    local flat = redis.call('HGETALL', old .. ':advance')
    redis.call('DEL', old .. ':advance')
    for i = 1, #flat, 2 do
      shards.use(shards.of_user(match(flat[i], '^(%S+)')))
      -- The hash is another one now, and so its cursor.
      redis.call('HSET', name_of('advance'), flat[i], match(flat[i + 1], '^(%d+)') .. ' 0')
    end
  end
end

if ARGV[5] == 'end' then
  redis.call('DEL', old .. ':moved')
  if not in_place then
    redis.call('DEL', old .. ':due', old .. ':ages', old .. ':load', old .. ':damaged', old .. ':damaged:new')
  end
  -- An older process finds no sorted set here, and can store nothing.
  redis.call('SET', old .. ':due', 'This ledger is of a newer format')
  redis.call('HSET', identity, 'format', ARGV[6], 'shards', shards.count)
  return 'list'
end
for position = 6, #ARGV do
  if ARGV[5] == 'records' then move_record(ARGV[position]) else move_other(ARGV[position]) end
end
return 'list'
