--- @include "stored-records"
-- Copies that are out to each recipient, and how much of the ledger their senders take with them.
-- <prefix>:copies:<recipient> HASH: by their record's key what `pack` makes. With more than 2 * PER_PART of them there are further
-- hashes, <prefix>:copies:<recipient>\0<number>, and the field without a name says how many hashes and entries there are: a hash of about
-- PER_PART entries stays what Redis calls a listpack (up to 128), which takes a third of the memory of a table. One is added by splitting
-- the next in turn (linear hashing); all are gone when the last entry is.
-- <prefix>:load HASH: sums of what is counted: by sender and by '@' and his domain (messages times UNIT, plus bytes). On one Redis those of
-- all shards are with the first, since they are looked at for many messages.
-- <prefix>:holds:<sender> HASH: the same in messages, by recipient.
-- What is counted is taken back by what the entry says, whatever has become of the record, so that no count drifts.
-- `sums`: those sums that this script has asked for, as they stand now: each is read once, however many messages ask for it.
local copies = { UNIT = 1e10, sums = {} }
lazily(copies, function()
local PER_PART = 48
local PASSED, FIRST, COUNTED, FAR = 1, 2, 4, 8
local MOST_BYTES, NEAR = 0xffffff, 0xffffff

local function add_load(field, change)
  local now = redis.call('HINCRBY', KEYS[1] .. ':load', field, string.format('%.0f', change))
  if now <= 0 then redis.call('HDEL', KEYS[1] .. ':load', field) end
  copies.sums[field] = math.max(0, now)
end

-- Of a sender's messages to a recipient one more (1), or one fewer (-1).
function copies.count_held(sender, recipient, sign)
  local name = name_of('holds', sender)
  if redis.call('HINCRBY', name, recipient, sign) <= 0 then redis.call('HDEL', name, recipient) end
end

-- Takes back what a sender has of a message without an entry.
function copies.take_off(sender, bytes)
  add_load(sender, -copies.UNIT - bytes)
  add_load('@' .. match(sender, '[^@]*$'), -copies.UNIT - bytes)
end

-- He has none: what his sum says was of entries that were damaged.
function copies.forget_sum(sender)
  local left = tonumber(redis.call('HGET', KEYS[1] .. ':load', sender) or 0)
  if left <= 0 then return end
  add_load('@' .. match(sender, '[^@]*$'), -left)
  redis.call('HDEL', KEYS[1] .. ':load', sender)
  copies.sums[sender] = 0
end

function copies.count_all(sender, recipient, sign, bytes)
  add_load(sender, sign * (copies.UNIT + bytes))
  add_load('@' .. match(sender, '[^@]*$'), sign * (copies.UNIT + bytes))
  copies.count_held(sender, recipient, sign)
end

-- A sender of the recipient's domain by what stands before the at sign; a domain after one.
local function short_sender(sender, recipient)
  local domain = match(recipient, '@[^@]*$') or '@' .. recipient
  if #sender > #domain and sub(sender, -#domain) == domain then return sub(sender, 1, -#domain - 1) end
  return find(sender, '@', 1, true) and sender or '@' .. sender
end

local function long_sender(short, recipient)
  local at = find(short, '@', 1, true)
  if at == 1 then return sub(short, 2) end
  return at and short or short .. (match(recipient, '@[^@]*$') or '@' .. recipient)
end

-- `how` and flags (a byte each), when it was handed over (6 bytes, ms), bytes that are counted (3), when it was stored: how long before
-- that (3), or that time (6); its sender, where it is counted.
local function pack(copy, recipient)
  local age = copy.handed - copy.stored
  local is_far = age < 0 or age > NEAR
  local flags = (copy.passed and PASSED or 0) + (copy.is_first and FIRST or 0) + (copy.bytes and COUNTED or 0) + (is_far and FAR or 0)
  local head = struct.pack('>c0BI6I3', copy.how, flags, copy.handed, copy.bytes or 0)
  return head .. struct.pack(is_far and '>I6' or '>I3', is_far and copy.stored or age) .. (copy.bytes and short_sender(copy.sender, recipient) or '')
end

-- What an entry says; nil when it is none.
local function unpacked(entry, recipient)
  if #entry < 14 or byte(entry, 2) >= 2 * FAR or (byte(entry, 2) >= FAR and #entry < 17) then return nil end
  local flags, handed, bytes = struct.unpack('>BI6I3', entry, 2)
  local is_far, is_counted = flags >= FAR, flags % FAR >= COUNTED
  local stored, from = struct.unpack(is_far and '>I6' or '>I3', entry, 12)
  return {
    how = sub(entry, 1, 1), passed = flags % 2 == PASSED, is_first = flags % COUNTED >= FIRST, handed = handed,
    stored = is_far and stored or handed - stored, bytes = is_counted and bytes or nil,
    sender = is_counted and long_sender(sub(entry, from), recipient) or nil,
  }
end

local function part_name(recipient, place)
  return name_of('copies', place == 0 and recipient or recipient .. '\0' .. string.format('%d', place))
end

local function spread(key)
  local hash = 0
  for place = 3, 10 do hash = hash * 33 + (byte(key, place) or 0) end
  if #key == KEY then return hash + byte(key, -1) end
  -- Those of one id differ at their ends only.
  local last = 0
  for place = -4, -1 do last = last * 33 + (byte(key, place) or 0) end
  return hash + last
end

local function span_of(parts)
  local span = 1
  while span < parts do span = span * 2 end
  return span
end

local function place_of(key, parts)
  local span = span_of(parts)
  local place = spread(key) % span
  return place >= parts and place - span / 2 or place
end

-- How many hashes and entries there are; the latter is known only where there is more than one hash.
local function shape_of(text)
  local parts, entries = match(text or '', '^(%d%d?%d?%d?%d?%d?) (%d+)$')
  return tonumber(parts) or 1, tonumber(entries)
end

-- For shorten.lua.
copies.part_name, copies.place_of, copies.shape_of = part_name, place_of, shape_of

-- A part may have many, as whoever makes ids can make them so; Lua's stack takes no more at a time.
local function for_all(command, name, arguments)
  for first = 1, #arguments, 4000 do redis.call(command, name, unpack(arguments, first, math.min(first + 3999, #arguments))) end
end

local function split_next(recipient, parts)
  local span = span_of(parts + 1)
  local from, moved, fields = part_name(recipient, parts - span / 2), {}, {}
  local flat = redis.call('HGETALL', from)
  for at = 1, #flat, 2 do
    if flat[at] ~= '' and spread(flat[at]) % span == parts then
      fields[#fields + 1] = flat[at]
      moved[#moved + 1] = flat[at]
      moved[#moved + 1] = flat[at + 1]
    end
  end
  for_all('HSET', part_name(recipient, parts), moved)
  for_all('HDEL', from, fields)
end

-- The entry of a record's copy, as a table: `how`, `stored`, `handed` (ms), `passed`, `is_first`, and what is counted of its `sender`, `bytes`;
-- nil where there is none that can be read. And whether there is any.
function copies.get(key, recipient)
  local found = redis.call('HMGET', name_of('copies', recipient), key, '')
  local entry = found[1]
  if not entry and found[2] then entry = redis.call('HGET', part_name(recipient, place_of(key, (shape_of(found[2])))), key) end
  return entry and unpacked(entry, recipient) or nil, entry ~= false
end

function copies.put(key, recipient, copy)
  local base = name_of('copies', recipient)
  local parts, entries = shape_of(redis.call('HGET', base, ''))
  local is_new = redis.call('HSET', part_name(recipient, place_of(key, parts)), key, pack(copy, recipient)) == 1
  if not is_new then return end
  if parts == 1 then
    entries = redis.call('HLEN', base)
    if entries <= 2 * PER_PART then return end
  else entries = entries + 1 end
  if entries > PER_PART * parts then
    split_next(recipient, parts)
    parts = parts + 1
  end
  redis.call('HSET', base, '', string.format('%d %d', parts, entries))
end

-- The first copy of a pending message is out: it counts from here on.
function copies.count(copy, key, sender, recipient)
  if copy.bytes then return end
  copy.sender, copy.bytes = sender, math.min(MOST_BYTES, redis.call('STRLEN', record_name(key)))
  copies.count_all(sender, recipient, 1, copy.bytes)
end

-- No copy of it is waited for any more. Returns what was known of it.
function copies.remove(key, recipient)
  local copy, is_there = copies.get(key, recipient)
  if not is_there then return nil end
  if copy and copy.bytes then copies.count_all(copy.sender, recipient, -1, copy.bytes) end
  local base = name_of('copies', recipient)
  local parts, entries = shape_of(redis.call('HGET', base, ''))
  redis.call('HDEL', part_name(recipient, place_of(key, parts)), key)
  if parts == 1 then return copy end
  if entries > 1 then redis.call('HSET', base, '', string.format('%d %d', parts, entries - 1))
  else
    for place = 0, parts - 1 do redis.call('DEL', part_name(recipient, place)) end
  end
  return copy
end

-- Calls `visit(key, copy)` for about `most` of those that are out to a recipient, from a cursor on ('0' at first). Returns the cursor of
-- what follows, '0' after the last. What is there all the time is visited.
function copies.each(recipient, cursor, most, visit)
  -- A hash by its number; or, where a part of it has been visited, by the last seven digits, after Redis' own cursor.
  local inner, place = match(cursor, '^(%d*)(%d%d%d%d%d%d%d)$')
  if not inner then inner, place = '0', match(cursor, '^%d+$') or error('a cursor that is none') end
  local seen = 0
  place = tonumber(place)
  local parts = shape_of(redis.call('HGET', name_of('copies', recipient), ''))
  while place < parts and seen < most do
    local next_inner, flat = unpack(redis.call('HSCAN', part_name(recipient, place), inner, 'COUNT', most))
    for at = 1, #flat, 2 do
      local copy = flat[at] ~= '' and unpacked(flat[at + 1], recipient)
      if copy then visit(flat[at], copy) end
    end
    -- To find nothing is work, too.
    seen = seen + #flat / 2 + 1
    inner = next_inner
    if inner == '0' then place = place + 1 end
  end
  if place >= parts then return '0' end
  return inner == '0' and string.format('%d', place) or inner .. string.format('%07d', place)
end

-- Keys of a few of them, whichever.
function copies.some(recipient, most)
  local parts = shape_of(redis.call('HGET', name_of('copies', recipient), ''))
  local keys = redis.call('HRANDFIELD', part_name(recipient, times.now % parts), most)
  for place = #keys, 1, -1 do
    if keys[place] == '' then table.remove(keys, place) end
  end
  return keys
end

-- The first event of nearly every message with a copy out is that its first copy was handed over: its entry says that for as long as
-- nothing else happens, and a list is made when something does.
function copies.begin_life(key, copy, keep)
  if not (copy and copy.is_first) then return end
  redis.call('RPUSH', name_of('life', key), string.format('%.0f handed-over %s', copy.handed, copy.how))
  redis.call('PEXPIRE', name_of('life', key), keep)
end
end)
