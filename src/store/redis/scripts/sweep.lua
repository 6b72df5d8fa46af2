-- Takes what is overdue and gives it a lease, during which nobody else takes it.
-- KEYS: prefixes of shards, see include/keys.lua.
-- ARGV: time (see include/clock.lua), lease (ms), how many at most, message TTL, dedup window, retention (all ms), how many of KEYS are
-- passed over at first; how many are pending too many by the count, though all are due; which of KEYS are busy (numbers with blanks between them).
-- Reply: the time of the call (see include/replies.lua); damaged: how many damaged records are kept, how many more are pending by the
-- count than are due or '' where that was not looked at, and keys of those that no log has named; then for each record taken: its key,
-- and itself without its payload.
-- Complexity: O(m log p) for at most m messages taken of p pending; beside them, for each shard, up to 500 copies out to one
-- recipient, whose due times are being brought forward (see include/due-advance.lua).
--- @include "stored-records"
--- @include "clock"
--- @include "quarantine"
--- @include "outline"
--- @include "due-advance"
--- @include "delivered"
-- A command that frees memory, and be it none, comes first: Redis then lets the others through at its memory limit.
redis.call('ZREM', due_set, '')
local now, epoch, on_time = ledger_time(ARGV[1])
if not on_time then return { stamp('late', now, epoch) } end
local lease_until, limit, ttl = string.format('%.0f', now + tonumber(ARGV[2])), tonumber(ARGV[3]), tonumber(ARGV[4])
times.now, times.window, times.retention, times.ttl = now, tonumber(ARGV[5]), tonumber(ARGV[6]), ttl
times.kept_whole = math.min(POLICY.DELIVERED_KEPT_WHOLE, times.window / 8)
local taken, paused, restored_upto = {}, false, nil
local damaged, unreported = 0, {}

-- A member is a key, or a key and the letter of an ending that its sender is owed: keys have one of two lengths.
local function parts_of(member)
  local lettered = #member == KEY + 1 or #member > KEY + DIGEST + 1
  return lettered and member:sub(1, -2) or member, lettered and member:sub(-1)
end

-- Whether it is of a restored copy, of which nothing is sent or told; or a pause keeps it back: further copies, but neither first ones nor
-- the end of a life.
local function kept_back(value)
  if restored_upto and stored_at(value) <= restored_upto then return true end
  return paused and state_of(value) == 'p' and record.copies_of(value) > 0 and now < stored_at(value) + ttl
end

-- One that receipts of one turn have ended has no time limit, as its sender knows it a moment later (run-ahead.lua). Whoever
-- cannot be told is not to be for ever.
local function limit_time(key)
  if redis.call('PTTL', record_name(key)) == -1 then redis.call('PEXPIRE', record_name(key), ARGV[5]) end
end

local function take(count)
  local members = redis.call('ZRANGEBYSCORE', due_set, '-inf', now, 'LIMIT', 0, count)
  for _, member in ipairs(members) do
    local key, state = parts_of(member)
    local value = outline.of(key, read)
    -- What is owed about an ending that has since become another is owed no more.
    local left = not value and peek(key)
    if left and due_member(key, state_of(left)) == member then
      -- It was damaged, and has just been put aside: what is left of it is owed, and due.
    elseif not value or (state and state_of(value) ~= state) then
      redis.call('ZREM', due_set, member)
    elseif kept_back(value) then
      redis.call('ZADD', due_set, 'XX', now + POLICY.WHILE_PAUSED, member)
    else
      redis.call('ZADD', due_set, 'XX', lease_until, member)
      if state_of(value) == 'd' then limit_time(key) end
      taken[#taken + 1] = 'taken\0' .. key .. '\0' .. value
    end
  end
  return #members
end

-- Takes up to `most` of the shard in use. Returns whether there may be more.
local function take_up_to(most)
  local all = #taken + most
  paused = records.is_paused()
  local upto, word = records.restored_copy()
  restored_upto = word == 'h' and upto or nil
  -- What is kept back must not hide what may go on.
  for _ = 1, (paused or restored_upto) and 10 or 1 do
    local room = all - #taken
    if room <= 0 then return true end
    if take(room) < room then return false end
  end
  return true
end

local function look_after_shard()
  -- Nothing is due later than a life from now, or than a sender who is away is looked for again (an hour): what is was not
  -- written by us.
  local farthest = now + math.max(ttl, POLICY.NOTICE_TO_ABSENT_SENDER) + POLICY.DUE_MARGIN
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', due_set, farthest, '+inf', 'LIMIT', 0, limit)) do
    redis.call('ZADD', due_set, 'XX', now, member)
  end
  advance.go_on()
end

-- Redis keeps a sorted set of up to 128 short members (zset-max-listpack-entries) as one text, all of which it looks through for each that is
-- added or taken away: with 16 shards and 1,000 messages under way that was 6 % of what a message costs Redis. One that is longer (more than
-- zset-max-listpack-value) makes it a table with a skip list, which it stays until it is empty. More than LARGE are one in any case.
local SMALL, LARGE = 16, 1000
local function spread_due_set(size)
  if size < SMALL or size > LARGE then return end
  local long = string.rep('-', 256)
  redis.call('ZADD', due_set, 0, long)
  redis.call('ZREM', due_set, long)
end

local due_count, busy = 0, {}
for position in string.gmatch(ARGV[9] or '', '%d+') do busy[tonumber(position)] = true end
local function report_on_shard(position)
  local size = redis.call('ZCARD', due_set)
  due_count = due_count + size
  if busy[position] then spread_due_set(size) end
  local kept, some = quarantine.report(100)
  damaged = damaged + kept
  for _, key in ipairs(some) do unreported[#unreported + 1] = key end
end

-- Each shard has its part first; what one leaves is the others', beginning with another one each time.
local first, more = tonumber(ARGV[7]), {}
for turn = 0, #KEYS - 1 do
  local position = (first + turn) % #KEYS + 1
  shards.use(position)
  look_after_shard()
  if take_up_to(math.ceil((limit - #taken) / (#KEYS - turn))) then more[#more + 1] = position end
  write_ages()
end
for _, position in ipairs(#KEYS > 1 and more or {}) do
  shards.use(position)
  if #taken < limit then take_up_to(limit - #taken) end
  write_ages()
end
for position in ipairs(KEYS) do
  shards.use(position)
  report_on_shard(position)
end

local MOST_COUNTS = 20000
-- Every pending record is due at some time. Are there more of them, somebody has taken due times away (or a whole set of them), and
-- nothing would ever be done about those. Nil where to count would take Redis too long, as with messages that wait for weeks.
local function pending_by_count()
  local counts, sum = 0, 0
  for _, own in ipairs(KEYS) do counts = counts + on_own('HLEN', own .. ':ages') end
  if due_count > 0 and counts > MOST_COUNTS then return nil end
  for _, own in ipairs(KEYS) do
    local minutes = on_own('HGETALL', own .. ':ages')
    for at = 2, #minutes, 2 do sum = sum + (tonumber(minutes[at]) or 0) end
  end
  return sum
end

local COMPARED_EVERY, SWEPT_EVERY = 30000, 1000
local missing = ''
local pending = (due_count == 0 or now % COMPARED_EVERY < SWEPT_EVERY) and pending_by_count()
if pending then
  missing = math.max(0, pending - due_count)
  if due_count == 0 and missing <= tonumber(ARGV[8]) then
    -- Counts of what is pending drift when a damaged record no longer tells when it was stored.
    for _, own in ipairs(KEYS) do redis.call('DEL', own .. ':ages') end
    missing = 0
  end
  missing = string.format('%.0f', missing)
end
delivered.keep_up(1000)
local replies = { stamp('carried-out', now, epoch), list_of('damaged\0' .. damaged .. '\0' .. missing, unreported) }
for _, one in ipairs(taken) do replies[#replies + 1] = one end
return replies
