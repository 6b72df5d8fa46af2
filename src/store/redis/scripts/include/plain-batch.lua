--- @include "batch-arguments"
--- @include "ages"
--- @include "digest-place"
-- Most batches have nothing but messages that nobody knows yet, of senders who have nothing that is counted, receipts for messages that are as they were stored, and word of senders
-- that were told. These come in columns (codec/columns.ts), and are carried out here, with the fewest commands and the least of the script: Redis makes each function of it anew at
-- every call, which takes longer than what a small batch does, and each text that a script makes, or is given, is looked for among all that there are.
-- Members of the sorted sets whose senders were told, and that are left for delivered.lua.
local told = {}
-- How the tombstone of a message that was delivered begins.
local FORMAT_DELIVERED = '2d'

-- What begins with an operation does without this.
if ARGV[at] == 'columns' then
-- How many there are of what, in which shards, and in which order it came: codec/columns.ts has the same.
local header, byte = ARGV[at + 1], string.byte
-- How many there are of each: messages; receipts, and those of them of which the sender has had the receipt, so that it goes from the sorted set at once; members of the sorted
-- sets whose senders were told of a delivery, and of another ending; messages whose sender's share is asked for; shards, and tens of seconds; users of whom
-- is asked whether anything is out to them.
local a1, a0, s1, s0, o1, o0, n1, n0, e1, e0, w1, w0, g1, g0, t1, t0, u1, u0 = byte(header, 1, 18)
local accepts, settles, overs, tells, others, asks = a1 * 128 + a0, s1 * 128 + s0, o1 * 128 + o0, n1 * 128 + n0, e1 * 128 + e0, w1 * 128 + w0
local users = u1 * 128 + u0
-- Where in the header ten numbers of each shard end, and those of the tens of seconds: two digits make a number.
local groups_end = 18 + 10 * (g1 * 128 + g0)
local tens_end = groups_end + 7 * (t1 * 128 + t0)
-- Where in ARGV the columns begin: names and records; names of what is settled, those that are over last; how these end; members; senders, recipients, limits;
-- two names for each user.
local accepts_at = at + 2
local settles_at = accepts_at + 2 * accepts
local endings_at = settles_at + settles
local tells_at = endings_at + settles
local others_at = tells_at + tells
local asks_at = others_at + others
local users_at = asks_at + 3 * asks

-- Whether one of the messages may have been delivered before. `groups`: of each shard its place in KEYS, and how many there are of messages, overs, tells and others.
local function may_be_known(groups)
  local names, first = {}, accepts_at
  for group = 1, #groups, 10 do
    if groups[group + 2] + groups[group + 3] > 0 then names[#names + 1] = KEYS[groups[group] * 128 + groups[group + 1]] .. ':delivered' end
  end
  local saved, number = redis.pcall('MGET', unpack(names)), 0
  for group = 1, #groups, 10 do
    local count_here = groups[group + 2] * 128 + groups[group + 3]
    if count_here > 0 then
      number = number + 1
      -- False where there is none, or no text; nil in an error.
      local own = saved[number]
      if own == nil then return true end
      local buckets, count = string.match(own or '0 0 0 0 0', '^(%d+) (%d+) %d+ %d+ %d+$')
      if not buckets then return true end
      if count ~= '0' then
        local prefix, span = KEYS[groups[group] * 128 + groups[group + 1]], 1
        buckets = tonumber(buckets)
        while span < buckets do span = span * 2 end
        for place = first, first + 2 * count_here - 1, 2 do
          -- Of the key, which the name ends with.
          local field = sub(ARGV[place], -12, -5)
          -- What cannot be read is no less than something.
          if redis.pcall('HGET', string.format('%s:d:%d', prefix, digest_place(field, buckets, span)), field) then return true end
        end
      end
      first = first + 2 * count_here
    end
  end
  return false
end

-- Carries all of the batch out, and returns the results, as one (replies.lua); nothing where one of its operations finds something else.
-- Then nothing was changed.
local function plainly()
  -- What is looked at in no other of these operations: see usual-operations.lua.
  if users > 0 and redis.pcall('EXISTS', unpack(ARGV, users_at, users_at + 2 * users - 1)) ~= 0 then return nil end
  if asks > 0 then
    -- Whether nothing is counted of these senders: see quota.lua.
    local sums = redis.pcall('HMGET', KEYS[1] .. ':load', unpack(ARGV, asks_at, asks_at + asks - 1))
    for number = 1, asks do
      -- False where there is none; nil in an error.
      if sums[number] ~= false and sums[number] ~= '0' then return nil end
    end
  end
  local groups = { byte(header, 19, groups_end) }
  if accepts > 0 and may_be_known(groups) then return nil end
  -- Names and tombstones; all have their length from the first, of whatever is at hand: a table that grows by one entry after the other is made anew whenever it is full.
  local ended = { unpack(ARGV, settles_at, tells_at - 1) }
  -- Of beginnings of heads, which say as much as the ten seconds that a message was stored in: whether all of these are late enough, and how many there are.
  local fresh, heads, untold = {}, {}, settles - overs
  local found = settles > 0 and call('MGET', unpack(ARGV, settles_at, endings_at - 1))
  for number = 1, settles do
    local value = found[number]
    if not value then return nil end
    local head = sub(value, 1, HEAD - 4)
    if number > untold then
      -- Pending, nothing handed over, no copy, first attempt.
      if sub(head, 1, 3) ~= '2p0' or sub(head, 5, 10) ~= '000001' then return nil end
    elseif not fresh[head] then
      -- Pending, nothing handed over, owes a receipt, no copy, first attempt; and its place in the sorted set serves for the notice as well.
      if sub(head, 1, 10) ~= '2p01000001' or sub(value, 11, HEAD) <= lately then return nil end
      fresh[head] = sub(head, 11) > sub(lately, 1, -5)
    end
    heads[head] = (heads[head] or 0) + 1
    local payload = find(value, PAYLOAD, HEAD + 1, true)
    if not payload then return nil end
    ended[2 * number - 1] = ARGV[settles_at + number - 1]
    ended[2 * number] = FORMAT_DELIVERED .. sub(value, 3, payload - 1) .. ENDING .. ARGV[endings_at + number - 1]
  end
  if accepts > 0 and redis.pcall('MSETNX', unpack(ARGV, accepts_at, settles_at - 1)) ~= 1 then return nil end
  -- Several have no time limit, as that would take a command for each: once their senders know it they go (delivered.lua), and before
  -- that they are needed.
  if settles > 1 then call('MSET', unpack(ended, 1, 2 * settles)) elseif settles == 1 then call('SET', ended[1], ended[2], 'PX', window_text) end
  local over = overs > 0 and { unpack(ARGV, settles_at + untold, endings_at - 1) }
  for number = 1, overs do over[number] = sub(over[number], -KEY) end
  local due = { unpack(ARGV, accepts_at, settles_at - 1) }
  for place = 1, 2 * accepts, 2 do due[place], due[place + 1] = lease_text, sub(due[place], -KEY) end
  local replies, failed = { results[1], 'as-usual' }, nil
  local next_due, next_over, next_told, next_other = 1, 1, tells_at, others_at
  for group = 1, #groups, 10 do
    local p1, p0, a1, a0, o1, o0, n1, n0, e1, e0 = unpack(groups, group, group + 9)
    local set = KEYS[p1 * 128 + p0] .. ':dues'
    local due_end, over_end, told_end, other_end = next_due + 2 * (a1 * 128 + a0), next_over + o1 * 128 + o0, next_told + n1 * 128 + n0, next_other + e1 * 128 + e0
    local reply = 0
    if told_end > next_told then reply = redis.pcall('ZREM', set, unpack(ARGV, next_told, told_end - 1)) end
    if other_end > next_other and type(reply) == 'number' then reply = redis.pcall('ZREM', set, unpack(ARGV, next_other, other_end - 1)) end
    if type(reply) ~= 'number' then
      -- What is no sorted set holds up nothing else.
      if not find(reply.err, '^WRONGTYPE') then error(reply) end
      failed = failed or {}
      failed[(group + 9) / 10] = reply.err
      for place = next_told, told_end - 1 do failed[ARGV[place]] = true end
    end
    if over_end > next_over then call('ZREM', set, unpack(over, next_over, over_end - 1)) end
    if due_end > next_due then call('ZADD', set, unpack(due, next_due, due_end - 1)) end
    next_due, next_over, next_told, next_other = due_end, over_end, told_end, other_end
  end
  for place = groups_end + 1, tens_end, 7 do
    local d4, d3, d2, d1, d0, c1, c0 = byte(header, place, place + 6)
    tens[(((d4 * 128 + d3) * 128 + d2) * 128 + d1) * 128 + d0] = c1 * 128 + c0
  end
  for head, sum in pairs(heads) do
    local ten = sub(head, 11)
    tens[ten] = (tens[ten] or 0) - sum
  end
  write_ages()
  if tells + overs == 0 then return replies end
  local name = KEYS[1] .. ':ended'
  local mark = redis.pcall('LINDEX', name, 0)
  -- Unless some of those before are to be replaced now: see delivered.lua.
  local is_noted = not (failed or mark and (type(mark) ~= 'string' or (tonumber(sub(mark, 2)) or 0) <= now - kept_whole - GATHERED_FOR))
  if is_noted and overs == 0 then
    call('RPUSH', name, string.format('@%d', now), unpack(ARGV, tells_at, others_at - 1))
    return replies
  end
  for place = tells_at, others_at - 1 do
    if not (failed and failed[ARGV[place]]) then told[#told + 1] = ARGV[place] end
  end
  for number = 1, overs do told[#told + 1] = over[number] end
  if is_noted then
    call('RPUSH', name, string.format('@%d', now), unpack(told))
    told = {}
  end
  if failed then
    -- Which of the operations these were.
    local number, group = 0, 0
    for letter in string.gmatch(sub(header, tens_end + 1), '%a') do
      number = number + 1
      if letter == 'S' or group == 0 then group = group + 1 end
      if letter == 'n' and failed[group] then
        replies[#replies + 1], replies[#replies + 2] = string.format('%d', number), 'fault\0' .. failed[group]
      end
    end
  end
  return replies
end

local replies = plainly()
if replies then
  if not told[1] then return replies end
  -- What is left is to take note of who was told.
  results, at = replies, last + 1
else
  -- Each operation by itself, in the order in which they came.
  local all, count = { unpack(ARGV, 1, at - 1) }, at - 1
  local next_message, next_receipt, next_over, next_told, next_other, next_ask = accepts_at, settles_at, settles_at + settles - overs, tells_at, others_at, asks_at
  local next_user, prefix = users_at, KEYS[1]
  for letter, number, of_others in string.gmatch(sub(header, tens_end + 1), '(%a)(%d*),?(%d*)') do
    if letter == 'S' then
      all[count + 1], all[count + 2] = 'shard', number
      count, prefix = count + 2, KEYS[tonumber(number)]
    elseif letter == 's' then
      all[count + 1], all[count + 2], all[count + 3] = 'settleAtHand', sub(ARGV[next_receipt], -KEY), ARGV[next_receipt + settles]
      next_receipt, count = next_receipt + 1, count + 3
    elseif letter == 'o' then
      all[count + 1], all[count + 2], all[count + 3] = 'settleToldAtHand', sub(ARGV[next_over], -KEY), ARGV[next_over + settles]
      next_over, count = next_over + 1, count + 3
    elseif letter == 'n' then
      local told_end, other_end = next_told + number, next_other + of_others
      all[count + 1], all[count + 2] = 'notified', string.format('%d', told_end - next_told + other_end - next_other)
      count = count + 2
      for place = next_told, told_end - 1 do
        count = count + 1
        all[count] = ARGV[place]
      end
      for place = next_other, other_end - 1 do
        count = count + 1
        all[count] = ARGV[place]
      end
      next_told, next_other = told_end, other_end
    elseif letter == 'u' then
      local ends, from = next_user + 2 * number, #prefix + #':copies:' + 1
      all[count + 1], all[count + 2] = 'anythingOut', number
      count = count + 2
      for place = next_user, ends - 1, 2 do
        count = count + 1
        all[count] = sub(ARGV[place], from)
      end
      next_user = ends
    else
      local key = sub(ARGV[next_message], -KEY)
      if letter == 'w' or letter == 'x' then
        all[count + 1], all[count + 2], all[count + 3], all[count + 4], all[count + 5], all[count + 6] = 'withinQuota', key, ARGV[next_ask], ARGV[next_ask + asks], ARGV[next_ask + 2 * asks], ''
        next_ask, count = next_ask + 1, count + 6
      end
      all[count + 1], all[count + 2], all[count + 3] = (letter == 'a' or letter == 'w') and 'accept' or 'acceptCounted', key, ARGV[next_message + 1]
      next_message, count = next_message + 2, count + 3
    end
  end
  ARGV, last = all, count
end
end
