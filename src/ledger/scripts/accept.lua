-- A record's tokens name the attempts to store it that have reached Redis and were not taken back: the one that stored it
-- first, then those that were answered from it as duplicates. Any of them may have been acknowledged, so it is taken back
-- only with the last. They stand in the body's member "k", joined by '+'.
-- So many are told apart; with more, '*' stands for the others, and the record stays.
local MOST_TOKENS = 8

local function tokens_of(value) return strip(value):match('"k":"([^"]*)"', HEAD) or '' end

local function has_token(tokens, token) return ('+' .. tokens .. '+'):find('+' .. token .. '+', 1, true) ~= nil end

-- A message that nothing has been done with since it was stored, as far as Redis knows.
local function is_untouched(value)
  return state_of(value) == 'p' and attempt_of(value) == 1 and copies_of(value) == 0
end

local function write_tokens(key, value, tokens)
  local from, to = value:find('"k":"[^"]*"', HEAD)
  redis.call('SET', record_name(key), value:sub(1, from - 1) .. '"k":"' .. tokens .. '"' .. value:sub(to + 1))
end

-- Notes that this attempt is being answered from a record that another has stored.
local function vouch(key, value, token)
  local tokens = tokens_of(value)
  if not is_untouched(value) or tokens == '' or has_token(tokens, token) or has_token(tokens, '*') then return end
  local _, separators = tokens:gsub('%+', '')
  write_tokens(key, value, tokens .. '+' .. (separators + 1 < MOST_TOKENS and token or '*'))
end

-- The record that stands in a value's place, which was not stored for that; or false when it was damaged, is put aside, and
-- the value has taken its place.
local function known_or_stored(key, value)
  local known = read(key)
  if not known then redis.call('SET', record_name(key), value) end
  return known
end

-- Stores a message whose key is taken, unless it is known.
-- Returns the key that it was stored under and nil, or nil and what `accept` returns of a known one.
local function accept_again(key, value, due, window)
  local digest, token = value:match('"d":"([^"]+)"', HEAD), value:match('"k":"([^"]+)"', HEAD)
  local known_as, known = key, known_or_stored(key, value)
  if not known then return key end
  if not strip(known):find('"d":"' .. digest .. '"', HEAD, true) then
    -- The id was used before, for another text: another message, which has a name of its own.
    known_as = key .. '-' .. digest
    known = redis.call('SETNX', record_name(known_as), value) == 0 and known_or_stored(known_as, value)
    if not known then
      redis.call('RPUSH', index_name(key), known_as)
      trim(key)
      redis.call('PEXPIRE', index_name(key), window)
      -- A duplicate of this one is looked for through the first of its id, which must be known for as long.
      local left = redis.call('PTTL', record_name(key))
      if left >= 0 and left < window then redis.call('PEXPIRE', record_name(key), window) end
      return known_as
    end
  end
  -- Our own record: the reply to an earlier try was lost on its way.
  if state_of(known) == 'p' and tokens_of(known):match('^[^+]*') == token then
    -- Should that try have ended in the middle, it is made due now.
    gather_due(due, known_as)
    return nil, known_as == key and '' or '+' .. known_as
  end
  vouch(known_as, known, token)
  return nil, '=' .. known_as .. '\n' .. strip(known)
end

-- Stores a message unless it is known.
-- Returns '' when it was stored under its key, '+' and another key when that key was taken by another text,
-- or '=', the key, a line feed and what is known.
local function accept(key, alias, value, due, window)
  local stored_as, known = key, nil
  if call('SETNX', record_name(key), value) == 0 then
    stored_as, known = accept_again(key, value, due, window)
    if known then return known end
  end
  gather_due(due, stored_as)
  count_pending(value, 1)
  if alias ~= '' then
    -- Clients answer with the id or with the origin-id (XEP-0359): both must lead here.
    redis.call('RPUSH', index_name(alias), stored_as)
    trim(alias)
    redis.call('PEXPIRE', index_name(alias), window)
  end
  return stored_as == key and '' or '+' .. stored_as
end

-- Takes back what an attempt may have stored whose sender was told that it could not be: a Redis that hangs carries out
-- what it was given when it comes to itself. What another attempt was answered from stays, and is sent at once, since
-- whoever stored it will not send it.
local function withdraw(key, digest, token, now)
  for _, own in ipairs({ key, key .. '-' .. digest }) do
    local value = read(own)
    local tokens = value and is_untouched(value) and tokens_of(value) or ''
    if has_token(tokens, token) then
      local rest = {}
      for one in tokens:gmatch('[^+]+') do
        if one ~= token then rest[#rest + 1] = one end
      end
      if #rest > 0 then
        write_tokens(own, value, table.concat(rest, '+'))
        if tokens:match('^[^+]*') == token then gather_due(now, own) end
      else
        redis.call('DEL', record_name(own))
        redis.call('ZREM', due_set, own)
        count_pending(value, -1)
      end
    end
  end
  return ''
end

-- A resend came from another resource, under another id or asking for a receipt: the answers go there from now on.
-- `members` replace those of an earlier resend; "_" marks them, as no text in a body can, where quotes are escaped.
local function readdress(key, members, owes)
  local name = record_name(key)
  local value = read(key)
  if value and state_of(value) == 'p' then
    local old = strip(value)
    local head = old:sub(1, 2) .. (owes == '1' and '1' or old:sub(3, 3)) .. old:sub(4)
    local from, to = head:find(',"_":0,.-,"_":1', HEAD)
    if from then head = head:sub(1, from - 1) .. head:sub(to + 1) end
    redis.call('SET', name, head:sub(1, -2) .. members .. '}' .. value:sub(#old + 1))
  end
  return ''
end
