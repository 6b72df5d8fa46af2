--- @include "stored-records"
-- How much of the ledger each sender takes: his messages that were handed over and have not ended. A healthy message is
-- confirmed before that is noted, and costs nothing here.
-- <prefix>:held:<sender> HASH: their keys, each with '<bytes> <recipient>'. What is counted is taken back by what stands
-- here, whatever has become of the record, so that no count drifts.
-- <prefix>:load HASH: sums of these: by sender and by '@' and his domain (messages times UNIT, plus bytes), and by
-- '<sender> <recipient>' (messages).
-- In a block of its own, as a script may have no more than 200 locals.
do
local UNIT = 1e10

local function add_load(field, change)
  local now = redis.call('HINCRBY', name_of('load'), field, string.format('%.0f', change))
  if now <= 0 then redis.call('HDEL', name_of('load'), field) end
end

local function change_load(sender, recipient, sign, bytes)
  add_load(sender, sign * (UNIT + bytes))
  add_load('@' .. sender:match('[^@]*$'), sign * (UNIT + bytes))
  add_load(sender .. ' ' .. recipient, sign)
end

-- Counts an entry of a sender's hash (1), or takes it back (-1).
function quota.count(sender, entry, sign)
  local bytes, recipient = entry:match('^(%d+) (.*)$')
  change_load(sender, recipient, sign, tonumber(bytes))
end

-- A pending message's first copy is out.
function quota.add(key, sender, recipient)
  local bytes = redis.call('STRLEN', record_name(key))
  if redis.call('HSETNX', name_of('held', sender), key, bytes .. ' ' .. recipient) == 1 then
    change_load(sender, recipient, 1, bytes)
  end
end

-- It has ended, or is no more.
function quota.remove(key, sender)
  local entry = redis.call('HGET', name_of('held', sender), key)
  if not entry then return end
  redis.call('HDEL', name_of('held', sender), key)
  quota.count(sender, entry, -1)
end

-- Looks at a few of a sender's, and takes back what stands there although its record was damaged, or taken away from
-- outside.
function quota.verify(sender, count)
  local keys = redis.call('HRANDFIELD', name_of('held', sender), count)
  for _, key in ipairs(keys) do
    local head = head_of(key)
    if not (head and is_pending(head) and copies_of(head) > 0) then quota.remove(key, sender) end
  end
end

-- A sender's sum, in all shards that are in reach: messages, bytes.
local function load_of(field)
  local value = 0
  for _, shard in ipairs(KEYS) do value = value + tonumber(redis.call('HGET', shard .. ':load', field) or 0) end
  local count = math.floor(value / UNIT)
  return count, value - count * UNIT
end

-- Reply: load, messages and bytes of a sender's, and of his domain.
function quota.load(sender)
  local count, size = load_of(sender)
  local of_domain, size_of_domain = load_of('@' .. sender:match('[^@]*$'))
  return string.format('load\0%.0f\0%.0f\0%.0f\0%.0f', count, size, of_domain, size_of_domain)
end

-- How much of what he may have (0: as much as he likes) is taken, in percent, and the letter of what is taken most:
-- m messages, b bytes, c messages to one recipient, d what his domain may have.
function quota.used(sender, recipient, limits)
  local most, which = 0, ''
  local function look(letter, taken, limit)
    local part = limit > 0 and taken * 100 / limit or 0
    if part > most then most, which = part, letter end
  end
  local messages, bytes, one, domain_messages, domain_bytes = limits:match('^(%d+) (%d+) (%d+) (%d+) (%d+)$')
  local count, size = load_of(sender)
  look('m', count, tonumber(messages))
  look('b', size, tonumber(bytes))
  look('c', tonumber(redis.call('HGET', name_of('load'), sender .. ' ' .. recipient) or 0), tonumber(one))
  if domain_messages ~= '0' or domain_bytes ~= '0' then
    local of_domain, size_of_domain = load_of('@' .. sender:match('[^@]*$'))
    look('d', of_domain, tonumber(domain_messages))
    look('d', size_of_domain, tonumber(domain_bytes))
  end
  return math.floor(most), which
end

end
