--- @include "stored-records"
--- @include "copies"
-- A record that was damaged from outside is put aside, so that one never stops the others; where it still tells whose it
-- was, an ending takes its place, of which its sender is told.
-- <prefix>:q:<key>: what was found, of whatever type. <prefix>:damaged ZSET: keys by when (ms) it was found.
-- <prefix>:damaged:new SET: keys of those that no log has named yet.
local quarantine = {}
lazily(quarantine, function()

-- What is left of a damaged record: its head, as far as it goes, in the place where format 2 has it; the fields that are whole; and
-- where its payload is to be looked for.
local function remains(value)
  if legacy.is(value) then
    local salvaged = legacy.salvaged
    return FORMAT .. value, {
      sender = salvaged(value, 's'), sender_resource = salvaged(value, 'sr'), recipient = salvaged(value, 'r'),
      wire_id = salvaged(value, 'w'), sender_id = legacy.sender_id(salvaged(value, 'i')), kind = salvaged(value, 'y'),
    }, find(value, '\n', HEAD, true)
  end
  if sub(value, 1, 1) ~= FORMAT then return '', {}, nil end
  local ends = find(value, '[\29\30]', HEAD + 1)
  local texts = {}
  for text in sub(value, HEAD + 1, ends):gmatch('([^\29\30\31]*)\31') do
    texts[#texts + 1] = not find(text, '[%z\1-\26\28-\31\127]') and text
  end
  return value, {
    sender = texts[1], sender_resource = texts[2], recipient = texts[3], wire_id = texts[5], sender_id = texts[6], kind = texts[7],
  }, find(value, PAYLOAD, HEAD + 1, true)
end

-- Whom a damaged record was for, if it says so.
function quarantine.recipient_of(value)
  if type(value) ~= 'string' then return nil end
  local _, left = remains(value)
  return left.recipient
end

local function is_owed(key)
  for _, member in ipairs({ key, key .. 'x', key .. 'u', key .. 'r' }) do
    if redis.call('ZSCORE', due_set, member) then return true end
  end
  return false
end

-- A tombstone for what is left, or nil where nobody could be told.
function quarantine.tombstone(head, left, state)
  if not (left.sender and left.recipient and left.wire_id) then return nil end
  local ending = string.format('%.0f', times.now)
  if state == 'r' then
    ending = table.concat({
      ending, '', 'internal-server-error', '',
      'What was stored of this message is damaged; whether it was delivered is not known',
    }, FIELD)
  end
  local time = match(head, '^..........(%d%d%d%d%d%d%d%d%d%d%d%d%d)') or string.format('%013.0f', times.now)
  local owes = sub(head, 4, 4) == '0' and '0' or '1'
  return FORMAT .. state .. '0' .. owes .. '000001' .. time .. table.concat({
    left.sender, left.sender_resource or '', left.recipient, '', left.wire_id, left.sender_id or '', left.kind or '', '', '-',
    '', '', '', '', '',
  }, FIELD) .. ENDING .. ending
end

function quarantine.put_aside(key)
  local name, aside = record_name(key), name_of('q', key)
  local value = raw_record(key)
  local owed = is_owed(key)
  redis.call('RENAME', name, aside)
  redis.call('PEXPIRE', aside, times.retention)
  on_own('ZADD', name_of('damaged'), times.now, key)
  on_own('SADD', name_of('damaged:new'), key)
  redis.call('ZREM', due_set, key, key .. 'x', key .. 'u', key .. 'r')
  if type(value) ~= 'string' then return end
  local head, left, payload = remains(value)
  -- Of one that does not say whom it was for, the entry stays until somebody looks at it.
  if left.recipient then copies.begin_life(key, copies.remove(key, left.recipient), times.retention) end
  local state = state_of(head)
  local ended = state == 'd' or state == 'x' or state == 'u' or state == 'r'
  if has_sound_head(head) and not ended then count_pending(head, -1) end
  if ended and not owed then return end
  state = ended and state or 'r'
  local tombstone = quarantine.tombstone(head, left, state)
  if not tombstone then return end
  -- For the error to its sender, if the text is whole.
  local text = state == 'r' and payload and find(value, '<body', payload, true)
  local _, text_end = find(value, '</body>', text or #value, true)
  redis.call('SET', name, text_end and tombstone .. PAYLOAD .. sub(value, text, text_end) or tombstone, 'PX', times.window)
  if state ~= 'd' or owes_receipt(tombstone) then redis.call('ZADD', due_set, times.now, due_member(key, state)) end
end

-- Puts aside whatever is damaged among the records that go by this key: those that an operation reads, which are the oldest
-- ones and the newest ones of an id. Returns whether anything was.
function quarantine.inspect(key)
  local found = false
  local function look(one)
    if raw_record(one) and not peek(one) then
      quarantine.put_aside(one)
      found = true
    end
  end
  look(key)
  local oldest = redis.pcall('LRANGE', index_name(key), 0, MANY)
  local newest = redis.pcall('LRANGE', index_name(key), -MANY, -1)
  if oldest.err then return found end
  for _, one in ipairs(oldest) do look(one) end
  for _, one in ipairs(newest) do look(one) end
  return found
end

-- Whether what is left of a record names this user as its sender or its recipient.
local function names(value, jid)
  local recipient = FIELD .. jid .. FIELD
  return sub(value, HEAD + 1, HEAD + #jid + 1) == jid .. FIELD or find(value, recipient, HEAD + 1, true) ~= nil or legacy.names(value, jid)
end

-- Erases what was put aside under this key if it names this user. Returns whether it did.
function quarantine.erase(key, jid)
  local aside = name_of('q', key)
  local value = redis.pcall('GET', aside)
  if type(value) ~= 'string' then return false end
  if not names(value, jid) then return false end
  redis.call('DEL', aside)
  redis.call('ZREM', name_of('damaged'), key)
  redis.call('SREM', name_of('damaged:new'), key)
  return true
end

-- Those keys have been named in a log.
function quarantine.reported(first, last)
  for position = first, last do redis.call('SREM', name_of('damaged:new'), ARGV[position]) end
end

-- How many there are that are still kept, and up to `limit` keys that no log has named.
function quarantine.report(limit)
  local all = name_of('damaged')
  on_own('ZREMRANGEBYSCORE', all, '-inf', times.now - times.retention)
  return redis.call('ZCARD', all), on_own('SRANDMEMBER', name_of('damaged:new'), limit)
end

-- As oldest_pending, of one that is whole. One that is not is put aside.
function quarantine.oldest_sound(key)
  local found, value = oldest_pending(key)
  if not found or is_sound(value) then return found, value end
  quarantine.put_aside(found)
  return nil
end
end)

read = function(key)
  local value = raw_record(key)
  if not value or is_sound(value) then return value end
  local taken_over = type(value) == 'string' and legacy.is(value) and legacy.taken_over(value)
  if is_sound(taken_over) then
    redis.call('SET', record_name(key), taken_over, 'KEEPTTL')
    return taken_over
  end
  quarantine.put_aside(key)
  return false
end
