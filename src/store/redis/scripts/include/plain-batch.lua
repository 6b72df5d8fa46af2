--- @include "batch-arguments"
--- @include "ages"
--- @include "digest-place"
-- Most batches have nothing but messages that nobody knows yet, of senders who have nothing that is counted, receipts for messages that are as they were stored, and word of senders
-- that were told. These are carried out here, with the fewest commands and the least of the script: Redis makes each function of it anew at
-- every call, which takes longer than what a small batch does.
-- Members of the sorted sets whose senders were told, and that are left for delivered.lua.
local told = {}
-- Lua's stack takes no more than about 8,000 at a time; three of ARGV are one operation.
local LONGEST = 3000
-- How the tombstone of a message that was delivered begins.
local FORMAT_DELIVERED = '2d'

-- What begins with another operation does without these functions.
local begins = ARGV[at] == 'shard' and ARGV[at + 2] or ARGV[at]
if begins == 'accept' or begins == 'acceptCounted' or begins == 'withinQuota' or begins == 'settleAtHand' or begins == 'settleToldAtHand' or begins == 'notified' then
-- Whether one of the messages that are due may have been delivered before. `due`: scores and keys, of each of these prefixes up to one of
-- `ends`.
local function may_be_known(prefixes, due, ends)
  local names, first = {}, 1
  for number = 1, #prefixes do names[number] = prefixes[number] .. ':delivered' end
  local saved = redis.pcall('MGET', unpack(names))
  for number = 1, #prefixes do
    -- False where there is none, or no text; nil in an error.
    local own = saved[number]
    if own == nil then return true end
    local buckets, count = string.match(own or '0 0 0 0 0', '^(%d+) (%d+) %d+ %d+ %d+$')
    if not buckets then return true end
    if count ~= '0' then
      local span = 1
      buckets = tonumber(buckets)
      while span < buckets do span = span * 2 end
      for place = first + 1, ends[number], 2 do
        if #due[place] ~= KEY then return true end
        local field = sub(due[place], 3, 10)
        -- What cannot be read is no less than something.
        if redis.pcall('HGET', string.format('%s:d:%d', prefixes[number], digest_place(field, buckets, span)), field) then return true end
      end
    end
    first = ends[number] + 1
  end
  return false
end

-- Whether nothing is counted of these senders: see quota.lua.
local function have_none(senders)
  local sums = redis.pcall('HMGET', KEYS[1] .. ':load', unpack(senders))
  for place = 1, #senders do
    -- False where there is none; nil in an error.
    if sums[place] ~= false and sums[place] ~= '0' then return false end
  end
  return true
end

-- Takes note of who was told, unless some of those before are to be replaced now: see delivered.lua.
local function note_told()
  local name = KEYS[1] .. ':ended'
  local mark = redis.pcall('LINDEX', name, 0)
  if mark and (type(mark) ~= 'string' or (tonumber(sub(mark, 2)) or 0) <= now - kept_whole - GATHERED_FOR) then return end
  call('RPUSH', name, string.format('@%d', now), unpack(told))
  told = {}
end

-- Takes members of a set away, whose senders were told. Returns the result.
local function tell(set, first, ends)
  local reply = redis.pcall('ZREM', set, unpack(ARGV, first, ends))
  if type(reply) == 'number' then return 'done' end
  -- What is no sorted set holds up nothing else.
  if not find(reply.err, '^WRONGTYPE') then error(reply) end
  return 'fault\0' .. reply.err
end

-- Carries all of the batch out, and returns the results, as one where there are several (replies.lua); nothing where one of its operations is another, or finds something else.
-- Then nothing was changed.
local function plainly()
  if last - at >= LONGEST then return nil end
  local place, count, prefix = at, 0, KEYS[1]
  local record_prefix = prefix .. '.'
  -- What the last operation replies, as it usually does.
  local usual
  -- Keys and senders that were met: no JID is a key.
  local seen, senders, ages = {}, {}, {}
  -- What is stored, in pairs; what is settled, and what it ends with. All have their length from the first, of whatever is at hand: a table
  -- that grows by one entry after the other is made anew whenever it is full, which took a twentieth of a call.
  local most = math.floor((last - at + 1) / 3)
  local new, new_count = { unpack(ARGV, at, at + 2 * most) }, 0
  local asked, endings, asked_count = { unpack(ARGV, at, at + most) }, { unpack(ARGV, at, at + most) }, 0
  -- What is due, in pairs, and where that of each shard ends; and where the operations stand that tell, with their shards and numbers.
  local due, due_count, before, due_ends, prefixes, tells, tells_of, numbers = { unpack(ARGV, at, at + 2 * most) }, 0, 0, {}, {}, {}, {}, {}
  -- What is settled of which the sender has had the receipt, so that it goes from the sorted set at once, and where that of each shard
  -- ends; and which of all that are settled these are.
  local over, over_count, over_ends, over_prefixes, is_told = nil, 0, {}, {}, {}
  while place <= last do
    local operation, key = ARGV[place], ARGV[place + 1]
    count = count + 1
    local is_within = operation == 'withinQuota'
    if is_within or operation == 'accept' or operation == 'acceptCounted' then
      local value = ARGV[place + 2]
      usual = 'stored'
      if is_within then
        local sender, stores = ARGV[place + 2], ARGV[place + 6]
        -- No reason to refuse it, and no limit of the domain.
        if ARGV[place + 5] ~= '' or sub(ARGV[place + 4], -4) ~= ' 0 0' then return nil end
        if ARGV[place + 7] ~= key or (stores ~= 'accept' and stores ~= 'acceptCounted') then return nil end
        if not seen[sender] then
          seen[sender] = true
          senders[#senders + 1] = sender
        end
        value, usual = ARGV[place + 8], 'within\0000\0stored'
        place = place + 6
      end
      if seen[key] or not value then return nil end
      seen[key] = true
      new_count = new_count + 2
      new[new_count - 1], new[new_count] = record_prefix .. key, value
      due_count = due_count + 2
      due[due_count - 1], due[due_count] = lease_text, key
      local ten = sub(value, 11, HEAD - 4)
      ages[ten] = (ages[ten] or 0) + 1
      place = place + 3
    elseif operation == 'settleAtHand' or operation == 'settleToldAtHand' then
      if seen[key] or place + 2 > last or #key ~= KEY then return nil end
      seen[key] = true
      asked_count = asked_count + 1
      if operation == 'settleToldAtHand' then
        over = over or { unpack(ARGV, at, at + most) }
        if over_prefixes[#over_prefixes] ~= prefix then over_prefixes[#over_prefixes + 1] = prefix end
        over_count = over_count + 1
        over[over_count], over_ends[#over_prefixes], is_told[asked_count] = key, over_count, true
      end
      asked[asked_count], endings[asked_count] = record_prefix .. key, ARGV[place + 2]
      usual = 'delivered-at-hand\000000001'
      place = place + 3
    elseif operation == 'notified' then
      local ends = place + 1 + (tonumber(key) or 0)
      if ends > last or ends <= place + 1 then return nil end
      tells[#tells + 1], tells_of[#tells_of + 1], numbers[#numbers + 1] = place, prefix, count
      usual = 'done'
      place = ends + 1
    elseif operation == 'shard' and KEYS[tonumber(key) or 0] then
      if due_count > before then
        due_ends[#due_ends + 1], prefixes[#prefixes + 1] = due_count, prefix
        before = due_count
      end
      prefix = KEYS[tonumber(key)]
      record_prefix = prefix .. '.'
      usual = 'done'
      place = place + 2
    else
      return nil
    end
  end
  if due_count > before then due_ends[#due_ends + 1], prefixes[#prefixes + 1] = due_count, prefix end
  if senders[1] and not have_none(senders) then return nil end
  if due_count > 0 and may_be_known(prefixes, due, due_ends) then return nil end
  -- Names and tombstones. Of beginnings of heads, which say as much as the ten seconds that a message was stored in: whether all of these
  -- are late enough, and how many there are.
  local ended, fresh, heads = { unpack(ARGV, at, at + 2 * asked_count) }, {}, {}
  local found = asked_count > 0 and call('MGET', unpack(asked, 1, asked_count)) or ended
  for number = 1, asked_count do
    local value = found[number]
    if not value then return nil end
    local head = sub(value, 1, HEAD - 4)
    if is_told[number] then
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
    ended[2 * number - 1] = asked[number]
    ended[2 * number] = FORMAT_DELIVERED .. sub(value, 3, payload - 1) .. ENDING .. endings[number]
  end
  if new_count > 0 and redis.pcall('MSETNX', unpack(new, 1, new_count)) ~= 1 then return nil end
  -- Several have no time limit, as that would take a command for each: once their senders know it they go (delivered.lua), and before
  -- that they are needed.
  if asked_count > 1 then call('MSET', unpack(ended, 1, 2 * asked_count)) elseif asked_count == 1 then call('SET', ended[1], ended[2], 'PX', window_text) end
  local replies, told_count = { results[1], count == 1 and usual or 'as-usual' }, 0
  for number = 1, #tells do
    local first = tells[number] + 2
    local ends = first - 1 + ARGV[first - 1]
    local reply = tell(tells_of[number] .. ':dues', first, ends)
    if reply ~= 'done' then
      if count == 1 then replies[2] = reply
      else replies[#replies + 1], replies[#replies + 2] = string.format('%d', numbers[number]), reply end
    else
      for at = first, ends do
        local member = ARGV[at]
        -- Those that were delivered: the others have a letter behind their key.
        if #member == KEY or #member == KEY + DIGEST + 1 then
          told_count = told_count + 1
          told[told_count] = member
        end
      end
    end
  end
  local first = 1
  for number = 1, #over_prefixes do
    call('ZREM', over_prefixes[number] .. ':dues', unpack(over, first, over_ends[number]))
    first = over_ends[number] + 1
  end
  for number = 1, over_count do told[told_count + number] = over[number] end
  first = 1
  for number = 1, #prefixes do
    call('ZADD', prefixes[number] .. ':dues', unpack(due, first, due_ends[number]))
    first = due_ends[number] + 1
  end
  for head, sum in pairs(heads) do
    local ten = sub(head, 11)
    ages[ten] = (ages[ten] or 0) - sum
  end
  tens = ages
  write_ages()
  if told_count + over_count > 0 then note_told() end
  return replies
end

local replies = plainly()
if replies then
  if not told[1] then return replies end
  -- What is left is to take note of who was told.
  results, at = replies, last + 1
end
end
