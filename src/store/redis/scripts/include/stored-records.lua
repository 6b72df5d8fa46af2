--- @include "keys"
-- What every script knows of a record: its layout (record.ts draws it), its names (keys.ts) and its end.
-- What is done for every message is written with these: each name looked up in a table costs, and each text made, too.
local call, byte, sub, find = redis.call, string.byte, string.sub, string.find
local HEAD = 22
-- What a script was given, for those of its parts that need it; set by the part that comes last. All in ms.
local times = { now = 0, window = 0, retention = 0, first_step = 0, ttl = 0 }
local KEY = 22
local DIGEST = 16

local function is_paused() return redis.call('EXISTS', name_of('paused')) == 1 end

local function state_of(value) return value:sub(1, 1) end
local function is_pending(value) return byte(value) == 112 end -- p
local function owes_receipt(value) return byte(value, 3) == 49 end -- 1
local function copies_of(value) return tonumber(value:sub(4, 5), 16) end
local function attempt_of(value) return tonumber(value:sub(6, 9), 16) end
local function stored_at(value) return tonumber(value:sub(10, HEAD)) end

-- Head and body, without the payload.
local function strip(value)
  local payload = value:find('\n', HEAD + 1, true)
  return payload and value:sub(1, payload - 1) or value
end

local function body_of(value) return cjson.decode(strip(value):sub(HEAD + 1)) end

-- Whether the head is one that was written here; a record may have been damaged from outside.
local HEAD_PATTERN = '^[pdxur][012b][01]%x%x%x%x%x%x' .. ('%d'):rep(13) .. '{'
local function has_sound_head(value) return type(value) == 'string' and find(value, HEAD_PATTERN) ~= nil end

local function is_sound(value)
  -- Control characters are written escaped; cjson reads others too, and whoever is given them does not.
  if not has_sound_head(value) or find(strip(value), '[%z\1-\31]') then return false end
  local readable, body = pcall(body_of, value)
  return readable and type(body) == 'table' and type(body.s) == 'string' and type(body.r) == 'string'
    and type(body.w) == 'string' and type(body.d) == 'string'
end

-- What stands in a record's place: false when nothing does, a table when it is of another type than a record. Any other
-- error says nothing of the record (Redis may forbid the command), and ends the script.
local function raw_record(key)
  local value = redis.pcall('GET', record_name(key))
  if type(value) == 'table' and not find(value.err, 'WRONGTYPE', 1, true) then return call('GET', record_name(key)) end
  return value
end

-- The head alone, with the brace that follows it, or nil where there is none that can be read.
local function head_of(key)
  local head = redis.pcall('GETRANGE', record_name(key), 0, HEAD)
  return has_sound_head(head) and head or nil
end

-- A record, or false where there is none that can be read. Changes nothing.
local function peek(key)
  local value = raw_record(key)
  return is_sound(value) and value
end

-- What is kept of an undelivered message, or false.
local function undelivered(key)
  local value = redis.pcall('GET', undelivered_name(key))
  return is_sound(value) and value
end

-- Names the attempt that stored a record: see accept.lua.
local function first_token(body) return (body.k or ''):match('^[^+]*') end

-- As peek; scripts that may write put a damaged record aside at that (see quarantine.lua).
local read = peek

-- What each sender takes of the ledger: see quota.lua.
local shares = {}

-- How many pending records this script has gained or lost, by the ten seconds that they were stored in (the first digits
-- of the time); made into minutes and written once, at its end.
local tens = {}

local function count_pending(value, change)
  local ten = sub(value, 10, HEAD - 4)
  tens[ten] = (tens[ten] or 0) + change
end

local function write_ages()
  local minutes = {}
  for ten, change in pairs(tens) do
    local minute = math.floor(tonumber(ten) / 6)
    minutes[minute] = (minutes[minute] or 0) + change
  end
  for minute, change in pairs(minutes) do
    if change ~= 0 and redis.call('HINCRBY', name_of('ages'), minute, change) <= 0 then
      redis.call('HDEL', name_of('ages'), minute)
    end
  end
end

-- Changes of the sorted set that need not be seen at once: gathered, and made with one command each.
local gathered = { due = {}, over = {} }

local function flush(name, command, set)
  local members = gathered[name]
  -- Lua's stack takes no more at a time.
  for first = 1, #members, 4000 do
    redis.call(command, set, unpack(members, first, math.min(first + 3999, #members)))
  end
  if #members > 0 then gathered[name] = {} end
end

local function flush_all()
  flush('due', 'ZADD', due_set)
  flush('over', 'ZREM', due_set)
end

-- Moves an attempt's number on: whoever still holds the old one can claim it no more.
local function next_attempt(key, value)
  local attempt = string.format('%04x', (attempt_of(value) + 1) % 65536)
  redis.call('SETRANGE', record_name(key), 5, attempt)
  return value:sub(1, 5) .. attempt .. value:sub(10)
end

local function gather_due(due, member)
  local added = gathered.due
  added[#added + 1] = due
  added[#added + 1] = member
end

local function gather_over(member)
  local over = gathered.over
  over[#over + 1] = member
end

-- What a record is called in the sorted set: its key while it is pending, and when it was delivered, which nothing can
-- follow, so that the usual message comes in once and goes out once. A sender is owed one ending: should another one
-- change (a late receipt), what was told of it must not count, so those have a name of their own.
local function due_member(key, state)
  return (state == 'p' or state == 'd') and key or key .. state
end

-- Ends a record: it stays as a tombstone without its payload for as long as duplicates are looked for. What becomes of
-- it in the sorted set is the caller's.
-- `members` are JSON members to append to its body, with a leading comma; `dedup_window` may be the text that it came as,
-- since Redis takes texts, and a number has to be written out first. Returns the tombstone.
local function finish(key, value, state, members, dedup_window)
  if is_pending(value) then
    if sub(value, 4, 5) ~= '00' then shares.remove(key, body_of(value).s) end
    count_pending(value, -1)
  end
  local payload = find(value, '\n', HEAD + 1, true)
  local tombstone = state .. sub(value, 2, payload and payload - 2 or -2) .. members .. '}'
  call('SET', record_name(key), tombstone, 'PX', dedup_window)
  if #key > KEY then
    -- While a later message of the same id is known, the first one must be: a duplicate is looked for there first.
    local first = record_name(key:sub(1, KEY))
    local left = redis.call('PTTL', first)
    if left >= 0 and left < tonumber(dedup_window) then redis.call('PEXPIRE', first, dedup_window) end
  end
  return tombstone
end

-- How many records are looked at under one key: a client may give all its messages the same id.
local MANY = 100

-- Forgets, of many records that go by this key, the oldest that have ended.
local function trim(key)
  local name = index_name(key)
  while redis.call('LLEN', name) > MANY do
    local head = head_of(redis.call('LINDEX', name, 0))
    if head and is_pending(head) then return end
    redis.call('LPOP', name)
  end
end

-- Whether a record has an id of its own on its way (see `marked`): nothing that comes back names it by the id that its
-- sender gave it and others.
local function is_marked(key) return byte(key, KEY + 1) == 126 end -- ~

-- The records that go by this key, the oldest ones or (`from` -MANY) the newest, oldest first, as pairs of their own key
-- and value. `all`: as their sender names them, and not who has got them.
local function candidates(key, from, all)
  local found = {}
  local value = read(key)
  if value then found[1] = { key, value } end
  for _, other in ipairs(redis.call('LRANGE', index_name(key), from or 0, from and -1 or MANY - 1)) do
    local other_value = (all or not is_marked(other)) and read(other)
    if other_value then found[#found + 1] = { other, other_value } end
  end
  return found
end

-- The oldest pending record that goes by this key; it is nearly always the one of that name, so that is looked at first.
-- Of that one no more is known than that it looks like a record: this is done for every receipt.
local function oldest_pending(key)
  local value = call('GET', record_name(key))
  if value and is_pending(value) and byte(value, HEAD + 1) == 123 then return key, value end -- {
  trim(key)
  for _, other in ipairs(redis.call('LRANGE', index_name(key), 0, MANY)) do
    local head = not is_marked(other) and head_of(other)
    local other_value = head and is_pending(head) and read(other)
    if other_value then return other, other_value end
  end
  return nil, value
end
