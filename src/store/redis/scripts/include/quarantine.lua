--- @include "stored-records"
--- @include "quota"
-- A record that was damaged from outside is put aside, so that one never stops the others; where it still tells whose it
-- was, an ending takes its place, of which its sender is told.
-- <prefix>:q:<key>: what was found, of whatever type. <prefix>:damaged ZSET: keys by when (ms) it was found.
-- <prefix>:damaged:new SET: keys of those that no log has named yet.
-- One table, as a script may have no more than 200 locals.
local quarantine = {}

-- A member of what is left of a body. One that is escaped might be cut in the middle of it, and is not used; nor is one with
-- a character that is never written unescaped.
local function salvaged(value, member) return value:match('"' .. member .. '":"([^"\\%c]*)"') end

local function is_owed(key)
  for _, member in ipairs({ key, key .. 'x', key .. 'u', key .. 'r' }) do
    if redis.call('ZSCORE', due_set, member) then return true end
  end
  return false
end

-- A tombstone for what is left, or nil where nobody could be told.
function quarantine.tombstone(value, state)
  local sender, recipient, id = salvaged(value, 's'), salvaged(value, 'r'), salvaged(value, 'w')
  if not (sender and recipient and id) then return nil end
  local body = '{"d":"-","s":"' .. sender .. '","r":"' .. recipient .. '","w":"' .. id .. '"'
  for _, member in ipairs({ 'sr', 'i', 'y' }) do
    local text = salvaged(value, member)
    if text then body = body .. ',"' .. member .. '":"' .. text .. '"' end
  end
  if state == 'r' then
    body = body .. ',"c":"internal-server-error","cx":"What was stored of this message is damaged; whether it was delivered is not known"'
  end
  local time = value:match('^.........(' .. ('%d'):rep(13) .. ')') or string.format('%013.0f', times.now)
  local owes = value:sub(3, 3) == '0' and '0' or '1'
  return state .. '0' .. owes .. '000001' .. time .. body .. ',"e":' .. string.format('%.0f', times.now) .. '}'
end

function quarantine.put_aside(key)
  local name, aside = record_name(key), name_of('q', key)
  local value = raw_record(key)
  local owed = is_owed(key)
  redis.call('RENAME', name, aside)
  redis.call('PEXPIRE', aside, times.retention)
  redis.call('ZADD', name_of('damaged'), times.now, key)
  redis.call('SADD', name_of('damaged:new'), key)
  redis.call('ZREM', due_set, key, key .. 'x', key .. 'u', key .. 'r')
  if type(value) ~= 'string' then return end
  local sender = salvaged(value, 's')
  if sender then shares.remove(key, sender) end
  local state = value:sub(1, 1)
  local ended = state == 'd' or state == 'x' or state == 'u' or state == 'r'
  if has_sound_head(value) and not ended then count_pending(value, -1) end
  if ended and not owed then return end
  state = ended and state or 'r'
  local tombstone = quarantine.tombstone(value, state)
  if not tombstone then return end
  -- For the error to its sender, if the text is whole.
  local payload = state == 'r' and value:find('\n', HEAD + 1, true)
  local text = payload and value:find('<body', payload, true)
  local _, text_end = value:find('</body>', text or #value, true)
  redis.call('SET', name, text_end and tombstone .. '\n' .. value:sub(text, text_end) or tombstone, 'PX', times.window)
  if state ~= 'd' or owes_receipt(tombstone) then redis.call('ZADD', due_set, times.now, due_member(key, state)) end
end

-- Puts aside whatever is damaged among the records that go by this key. Returns whether anything was.
function quarantine.inspect(key)
  local found = false
  local keys = redis.pcall('LRANGE', index_name(key), 0, -1)
  keys = keys.err and {} or keys
  keys[#keys + 1] = key
  for _, one in ipairs(keys) do
    local value = raw_record(one)
    if value and not is_sound(value) then
      quarantine.put_aside(one)
      found = true
    end
  end
  return found
end

-- Erases what was put aside under this key if it names this user. `jid` is his, as JSON. Returns whether it did.
function quarantine.erase(key, jid)
  local aside = name_of('q', key)
  local value = redis.pcall('GET', aside)
  if type(value) ~= 'string' then return false end
  if not (value:find('"s":' .. jid, 1, true) or value:find('"r":' .. jid, 1, true)) then return false end
  redis.call('DEL', aside)
  redis.call('ZREM', name_of('damaged'), key)
  redis.call('SREM', name_of('damaged:new'), key)
  return true
end

-- Those keys have been named in a log.
function quarantine.named(first, last)
  for position = first, last do redis.call('SREM', name_of('damaged:new'), ARGV[position]) end
end

-- How many there are that are still kept, and up to `limit` keys that no log has named.
function quarantine.report(limit)
  local all = name_of('damaged')
  redis.call('ZREMRANGEBYSCORE', all, '-inf', times.now - times.retention)
  return redis.call('ZCARD', all), redis.call('SRANDMEMBER', name_of('damaged:new'), limit)
end

read = function(key)
  local value = raw_record(key)
  if not value or is_sound(value) then return value end
  quarantine.put_aside(key)
  return false
end
