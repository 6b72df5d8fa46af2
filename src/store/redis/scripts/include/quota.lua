--- @include "copies"
-- How much of the ledger each sender takes: his messages that were handed over and have not ended (copies.lua counts them). A healthy
-- message is confirmed before that is noted, and costs nothing here.
local quota = {}
lazily(quota, function()
local UNIT = copies.UNIT

-- Takes back what stands in the entry of a record that was damaged, or taken away from outside. Returns whether it was.
local function take_back(key, recipient)
  local head = head_of(key)
  local is_waiting = head and is_pending(head)
  if is_waiting and record.copies_of(head) > 0 then return false end
  -- One that came back before it was noted as handed over is not counted, and goes out when its recipient comes.
  local copy = copies.get(key, recipient)
  if is_waiting and not (copy and copy.bytes) then return false end
  copies.remove(key, recipient)
  return true
end

-- Looks at a few of those to one of whom a sender has messages.
function quota.verify(sender, count)
  local recipient = redis.call('HRANDFIELD', name_of('holds', sender), 1)[1]
  if not recipient then return end
  for _, key in ipairs(copies.some(recipient, count)) do take_back(key, recipient) end
end

-- All of a sender's are erased: what is left there was damaged, or has come since. Of each recipient about 2,000 are looked at.
function quota.forget(sender)
  for _, recipient in ipairs(redis.call('HKEYS', name_of('holds', sender))) do
    local found = {}
    local is_left = copies.each(recipient, '0', 2000, function(key, copy)
      if copy.sender == sender then found[#found + 1] = key end
    end) ~= '0'
    for _, key in ipairs(found) do is_left = not take_back(key, recipient) or is_left end
    if not is_left then redis.call('HDEL', name_of('holds', sender), recipient) end
  end
  -- The sum is of all shards that are in reach: another may have something of his.
  for _, shard in ipairs(KEYS) do
    if redis.call('EXISTS', shard .. ':holds:' .. sender) == 1 then return end
  end
  copies.forget_sum(sender)
end

-- A sum of all shards that are in reach.
local function sum_of(field)
  local sum = copies.sums[field]
  if not sum then
    sum = tonumber(redis.call('HGET', KEYS[1] .. ':load', field) or 0)
    copies.sums[field] = sum
  end
  return sum
end

-- The same as messages and bytes.
local function load_of(field)
  local sum = sum_of(field)
  local count = math.floor(sum / UNIT)
  return count, sum - count * UNIT
end

-- Reads these sums at once. Returns whether they could be.
function quota.read_ahead(fields)
  local values = #fields == 0 and {} or redis.pcall('HMGET', KEYS[1] .. ':load', unpack(fields))
  if values.err then return false end
  for place = 1, #fields do copies.sums[fields[place]] = tonumber(values[place] or 0) end
  return true
end

-- Whether none of a sender's messages is counted: then he has none to anybody, and none that could be looked at.
function quota.has_none(sender) return sum_of(sender) == 0 end

-- Reply: load, messages and bytes of a sender's, and of his domain.
function quota.load(sender)
  local count, size = load_of(sender)
  local of_domain, size_of_domain = load_of('@' .. sender:match('[^@]*$'))
  return string.format('load\0%.0f\0%.0f\0%.0f\0%.0f', count, size, of_domain, size_of_domain)
end

-- How much of what he may have (0: as much as he likes) is taken, in percent, and the letter of what is taken most:
-- m messages, b bytes, c messages to one recipient, d what his domain may have.
function quota.used(sender, recipient, limits)
  local has_none = quota.has_none(sender)
  -- Nor has his domain a limit.
  if has_none and sub(limits, -4) == ' 0 0' then return 0, '' end
  local most, which = 0, ''
  local function look(letter, taken, limit)
    local part = limit > 0 and taken * 100 / limit or 0
    if part > most then most, which = part, letter end
  end
  local messages, bytes, one, domain_messages, domain_bytes = limits:match('^(%d+) (%d+) (%d+) (%d+) (%d+)$')
  if not has_none then
    local count, size = load_of(sender)
    look('m', count, tonumber(messages))
    look('b', size, tonumber(bytes))
    look('c', tonumber(redis.call('HGET', name_of('holds', sender), recipient) or 0), tonumber(one))
  end
  if domain_messages ~= '0' or domain_bytes ~= '0' then
    local of_domain, size_of_domain = load_of('@' .. sender:match('[^@]*$'))
    look('d', of_domain, tonumber(domain_messages))
    look('d', size_of_domain, tonumber(domain_bytes))
  end
  return math.floor(most), which
end
end)
