--- @include "keys"
--- @include "record"
--- @include "legacy-record"
--- @include "ages"
-- What stands in Redis of a message: how a record is found and read, how it ends, and what is written once for many.
-- What a script was given, for those of its parts that need it; set by the part that comes last. All in ms.
local times = { now = 0, window = 0, retention = 0, first_step = 0, ttl = 0, kept_whole = 0 }

-- What a command has read, as its reply by pcall; of what stands there of another type, from outside, nothing: an error would stop every
-- call that looks there.
local function readable(reply, command, ...)
  if type(reply) ~= 'table' or not reply.err then return reply end
  return not find(reply.err, 'WRONGTYPE', 1, true) and redis.call(command, ...)
end

-- What stands in a record's place: false when nothing does, a table when it is of another type than a record. Any other
-- error says nothing of the record (Redis may forbid the command), and ends the script.
local function raw_record(key)
  local value = redis.pcall('GET', record_name(key))
  if type(value) == 'table' and not find(value.err, 'WRONGTYPE', 1, true) then return call('GET', record_name(key)) end
  return value
end

-- A record, or false where there is none that can be read; one of an older format as it would be written now. Changes nothing.
local function peek(key)
  local value = raw_record(key)
  if type(value) == 'string' and legacy.is(value) then value = legacy.taken_over(value) end
  return is_sound(value) and value
end

-- As peek; scripts that may write also write it as it is now, and put a damaged one aside (see quarantine.lua).
local read = peek

-- A record's head alone, or nil where there is none that can be read.
local function head_of(key)
  local head = redis.pcall('GETRANGE', record_name(key), 0, HEAD - 1)
  if has_sound_head(head) then return head end
  local value = type(head) == 'string' and legacy.is(head) and read(key)
  return value and sub(value, 1, HEAD) or nil
end

-- One pending record more, or fewer.
local function count_pending(value, change)
  local ten = sub(value, 11, HEAD - 4)
  tens[ten] = (tens[ten] or 0) + change
end

-- Changes of the sorted set that need not be seen at once: gathered, and made with one command each.
local gathered = { due = {}, over = {}, told = {} }

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

local function gather_due(due, member)
  local added = gathered.due
  added[#added + 1] = due
  added[#added + 1] = member
end

local function gather_over(member)
  local over = gathered.over
  over[#over + 1] = member
end

-- The sender of this one knows that it was delivered: see delivered.lua.
local function gather_told(key)
  local told = gathered.told
  told[#told + 1] = key
end

-- What a record is called in the sorted set: its key while it is pending, and when it was delivered, which nothing can
-- follow, so that the usual message comes in once and goes out once. A sender is owed one ending: should another one
-- change (a late receipt), what was told of it must not count, so those have a name of their own.
local function due_member(key, state)
  return (state == 'p' or state == 'd') and key or key .. state
end

-- Ends a record: it stays as a tombstone without its payload for as long as duplicates are looked for. What becomes of
-- it in the sorted set is the caller's.
-- `ending` is as record-codec.ts writes it, or empty; `dedup_window` may be the text that it came as, since Redis takes texts,
-- and a number has to be written out first. Returns the tombstone.
local function finish(key, value, state, ending, dedup_window)
  if is_pending(value) then
    count_pending(value, -1)
  end
  local tombstone = ended(value, state, ending)
  call('SET', record_name(key), tombstone, 'PX', dedup_window)
  if #key > KEY then
    -- While a later message of the same id is known, the first one must be: a duplicate is looked for there first.
    local first = record_name(key:sub(1, KEY))
    local left = redis.call('PTTL', first)
    if left >= 0 and left < tonumber(dedup_window) then redis.call('PEXPIRE', first, dedup_window) end
  end
  return tombstone
end

-- Of which record an operation is alone, and not of others that go by its key: the token of the attempt that stored it, or '' for
-- whichever stands under that key; false where it is of the oldest that goes by it.
local only = false

-- How many records are looked at under one key: a client may give all its messages the same id.
local MANY = 100

-- What is not done for every message.
local records = {}
lazily(records, function()

function records.is_paused() return redis.call('EXISTS', name_of('paused')) == 1 end

-- Of an older copy of the ledger that was restored (restored.lua): up to when (ms) what was stored is of it, and what an operator has said
-- of that: h (nothing yet: it is held back) or e (it ends). nil where there is none.
function records.restored_copy()
  local name = name_of('restored')
  local upto, word = match(readable(redis.pcall('GET', name), 'GET', name) or '', '^(%d+) %d+ (%l)$')
  return tonumber(upto), word
end

-- What becomes of a record that such a copy had: h or e, as above; nil of all others.
function records.word_on(value)
  local upto, word = records.restored_copy()
  return upto and stored_at(value) <= upto and word or nil
end

-- What is kept of an undelivered message, or false.
function records.undelivered(key)
  local value = redis.pcall('GET', name_of('u', key))
  if type(value) == 'string' and legacy.is(value) then value = legacy.taken_over(value) end
  return is_sound(value) and value
end

-- Moves an attempt's number on: whoever still holds the old one can claim it no more.
function records.next_attempt(key, value)
  local attempt = string.format('%04x', (record.attempt_of(value) + 1) % 65536)
  redis.call('SETRANGE', record_name(key), 6, attempt)
  return sub(value, 1, 6) .. attempt .. sub(value, 11)
end

-- Forgets, of many records that go by this key, the oldest that have ended.
function records.trim(key)
  local name = index_name(key)
  while redis.call('LLEN', name) > MANY do
    local head = head_of(redis.call('LINDEX', name, 0))
    if head and is_pending(head) then return end
    redis.call('LPOP', name)
  end
end

-- Whether a record has an id of its own on its way (see `marked`): nothing that comes back names it by the id that its
-- sender gave it and others.
function records.is_marked(key) return byte(key, KEY + 1) == 126 end -- ~

-- The records that go by this key, the oldest ones or (`from` -MANY) the newest, oldest first, as pairs of their own key
-- and value. `all`: as their sender names them, and not who has got them.
function records.candidates(key, from, all)
  local found = {}
  local value = read(key)
  if value and (not only or only == '' or record.is_of(value, only)) then found[1] = { key, value } end
  if only then return found end
  for _, other in ipairs(redis.call('LRANGE', index_name(key), from or 0, from and -1 or MANY - 1)) do
    local other_value = (all or not records.is_marked(other)) and read(other)
    if other_value then found[#found + 1] = { other, other_value } end
  end
  return found
end
end)

-- What stands under names of records, where it was read for the operation that is carried out now: see run-ahead.lua.
local read_ahead = {}

-- The oldest pending record that goes by this key; it is nearly always the one of that name, so that is looked at first.
-- Of that one no more is known than that it looks like a record: this is done for every receipt.
local function oldest_pending(key)
  local name = record_name(key)
  local value = read_ahead[name]
  if only then
    read_ahead[name] = nil
    local found = records.candidates(key)[1]
    if found and is_pending(found[2]) then return key, found[2] end
    return nil
  end
  if value then read_ahead[name] = nil else value = call('GET', name) end
  if value and legacy.is(value) then value = read(key) end
  if value and byte(value) == 50 and is_pending(value) then return key, value end -- 2
  records.trim(key)
  for _, other in ipairs(redis.call('LRANGE', index_name(key), 0, MANY)) do
    local head = not records.is_marked(other) and head_of(other)
    local other_value = head and is_pending(head) and read(other)
    if other_value then return other, other_value end
  end
  return nil, value
end
