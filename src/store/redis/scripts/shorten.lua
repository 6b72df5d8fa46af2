-- Takes over from formats 3 to 5 the keys of messages, a part at a time; each call may be repeated. It comes before repack.lua.
-- KEYS: the prefix of a shard; for `load` that of the first, too.
-- ARGV: the present time (ms), and what of: `begin`; `named`, and names without the prefix and its colon, of one key each; `copies`,
-- `from` or `advance`, such a name and a cursor; or `due`, `ended`, `damaged`, `damaged:new`, or
-- `load`: each shard had its own sums; on one Redis those of all stand with the first now.
-- Reply: of those with a cursor the next one, '0' at the end; of the last five how many are left; else 0.
-- Complexity: O(n) for n names, or about 500 members.
--- @include "quarantine"
--- @include "older-keys"
times.now = tonumber(ARGV[1])
local what, shortened = ARGV[2], older_keys.shortened
local PORTION = 500
local BEFORE = ':before'
local NEWER = 'This ledger is of a newer format'
local TYPES = { due = 'zset', ended = 'list', damaged = 'zset', ['damaged:new'] = 'set' }

-- What was damaged from outside, and is none of these, stays where it is.
local function is_a(kind, name) return redis.call('TYPE', name).ok == kind end

-- The sorted set of due times had another name. An older process that is still there finds no sorted set, and can store nothing. Once that
-- is done, what goes by these names is of this format.
local function begin()
  if redis.pcall('GET', name_of('due')) == NEWER then return end
  for kind in pairs(TYPES) do
    local name = name_of(kind)
    if is_a(TYPES[kind], name) and redis.call('EXISTS', name .. BEFORE) == 0 then redis.call('RENAME', name, name .. BEFORE) end
  end
  redis.call('SET', name_of('due'), NEWER)
end

-- The record itself, or what is kept of it: with the other keys that it names.
local function rewrite(name)
  local before = redis.pcall('GET', name)
  local value = type(before) == 'string' and legacy.is(before) and legacy.taken_over(before) or before
  if not is_sound(value) then return nil end
  local fields = fields_of(value)
  local alias, target = shortened(fields.alias), shortened(fields.target)
  if alias ~= fields.alias or target ~= fields.target then value = record.with(value, { alias = alias, target = target }) end
  if value ~= before then redis.call('SET', name, value, 'KEEPTTL') end
  return value
end

local function rewrite_list(name)
  if not is_a('list', name) then return end
  local keys, left = redis.call('LRANGE', name, 0, -1), redis.call('PTTL', name)
  redis.call('DEL', name)
  for _, key in ipairs(keys) do redis.call('RPUSH', name, shortened(key)) end
  if left > 0 then redis.call('PEXPIRE', name, left) end
end

local function move_named(name)
  local kind, key = match(name, '^(%w+):(.*)$')
  local from, short = prefix .. ':' .. name, shortened(key)
  if short == key or redis.call('EXISTS', from) == 0 then return end
  local to = kind == 'm' and record_name(short) or name_of(kind, short)
  if redis.call('EXISTS', to) == 1 then return end
  if kind == 'i' or kind == 'c' then rewrite_list(from) end
  local value = (kind == 'm' or kind == 'u') and rewrite(from)
  redis.call('RENAME', from, to)
  if kind ~= 'm' or not (value and is_pending(value)) then return end
  -- What an older process stored and could not give a due time.
  if redis.call('ZSCORE', name_of('due' .. BEFORE), key) or redis.call('ZSCORE', due_set, short) then return end
  redis.call('ZADD', due_set, times.now, short)
end

-- A page of a hash of copies. Their places go by their keys.
local function move_copies(id, cursor)
  local recipient = match(id, '^[^%z]*')
  local base, name = name_of('copies', recipient), name_of('copies', id)
  if not is_a('hash', name) or not is_a('hash', base) then return '0' end
  local parts = copies.shape_of(redis.call('HGET', base, ''))
  local next_cursor, flat = unpack(redis.call('HSCAN', name, cursor, 'COUNT', PORTION))
  for at = 1, #flat, 2 do
    if older_keys.is(flat[at]) then
      local key = shortened(flat[at])
      redis.call('HSET', copies.part_name(recipient, copies.place_of(key, parts)), key, flat[at + 1])
      redis.call('HDEL', name, flat[at])
    end
  end
  return next_cursor
end

local function move_from(id, cursor)
  local name = name_of('from', id)
  if not is_a('set', name) then return '0' end
  local next_cursor, keys = unpack(redis.call('SSCAN', name, cursor, 'COUNT', PORTION))
  for _, key in ipairs(keys) do
    if older_keys.is(key) then
      redis.call('SADD', name, shortened(key))
      redis.call('SREM', name, key)
    end
  end
  return next_cursor
end

-- Where these go on, they begin again: the hashes of copies are others now.
local function restart_advance(cursor)
  if not is_a('hash', name_of('advance')) then return '0' end
  local next_cursor, flat = unpack(redis.call('HSCAN', name_of('advance'), cursor, 'COUNT', PORTION))
  for at = 1, #flat, 2 do
    local due = match(flat[at + 1], '^(%d+)')
    if due then redis.call('HSET', name_of('advance'), flat[at], due .. ' 0') end
  end
  return next_cursor
end

-- With a record that SCAN has not named, as its slot was on the way from one master to another: without it, its place would be lost.
local function move_scored(from, to, record_too)
  local flat = redis.call('ZRANGE', from, 0, PORTION - 1, 'WITHSCORES')
  for at = 1, #flat, 2 do
    if record_too then move_named('m:' .. older_keys.key_of(flat[at])) end
    redis.call('ZADD', to, flat[at + 1], shortened(flat[at]))
    redis.call('ZREM', from, flat[at])
  end
  return redis.call('ZCARD', from)
end

local function move_list(from, to)
  local mark
  for _, item in ipairs(redis.call('LRANGE', from, 0, PORTION - 1)) do
    redis.call('RPUSH', to, shortened(item))
    if sub(item, 1, 1) == '@' then mark = item end
  end
  redis.call('LTRIM', from, PORTION, -1)
  local left = redis.call('LLEN', from)
  -- Each portion says of which time it is: what is there of the one before may be taken from the list at any time.
  if mark and left > 0 and sub(redis.call('LINDEX', from, 0), 1, 1) ~= '@' then redis.call('LPUSH', from, mark) end
  return left
end

local function move_set(from, to)
  for _, key in ipairs(redis.call('SRANDMEMBER', from, PORTION)) do
    redis.call('SADD', to, shortened(key))
    redis.call('SREM', from, key)
  end
  return redis.call('SCARD', from)
end

local function gather_load(from, to)
  if not is_a('hash', from) then return 0 end
  local flat = redis.call('HRANDFIELD', from, PORTION, 'WITHVALUES')
  for at = 1, #flat, 2 do
    redis.pcall('HINCRBY', to, flat[at], flat[at + 1])
    redis.call('HDEL', from, flat[at])
  end
  return redis.call('HLEN', from)
end

if what == 'load' then return gather_load(name_of('load'), KEYS[2] .. ':load') end
if what == 'copies' then return move_copies(ARGV[3], ARGV[4]) end
if what == 'from' then return move_from(ARGV[3], ARGV[4]) end
if what == 'advance' then return restart_advance(ARGV[4]) end
if what == 'due' then return move_scored(name_of('due' .. BEFORE), due_set, true) end
if what == 'damaged' then return move_scored(name_of('damaged' .. BEFORE), name_of('damaged')) end
if what == 'ended' then return move_list(name_of('ended' .. BEFORE), name_of('ended')) end
if what == 'damaged:new' then return move_set(name_of('damaged:new' .. BEFORE), name_of('damaged:new')) end
if what == 'begin' then begin() end
if what == 'named' then
  for position = 3, #ARGV do move_named(ARGV[position]) end
end
return 0
