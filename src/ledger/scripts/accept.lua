-- Stores a message unless it is known.
-- Returns '' when it was stored under its key, '+' and another key when that key was taken by another text,
-- or '=', the key, a line feed and what is known.
local function accept(key, alias, value, due, window)
  local name = record_name(key)
  local stored_as = key
  if call('SETNX', name, value) == 0 then
    local digest, token = value:match('"d":"([^"]+)"', HEAD), value:match('"k":"([^"]+)"', HEAD)
    local own = key .. '-' .. digest
    local known = redis.call('GET', name)
    local known_as = key
    if not strip(known):find('"d":"' .. digest .. '"', HEAD, true) then
      -- The id was used before, for another text: another message, which has a name of its own.
      name = record_name(own)
      known_as = own
      known = redis.call('SETNX', name, value) == 0 and redis.call('GET', name)
      if not known then
        redis.call('RPUSH', index_name(key), own)
        trim(key)
        redis.call('PEXPIRE', index_name(key), window)
        -- A duplicate of this one is looked for through the first of its id, which must be known for as long.
        local left = redis.call('PTTL', record_name(key))
        if left >= 0 and left < window then redis.call('PEXPIRE', record_name(key), window) end
        stored_as = own
      end
    end
    if known then
      -- Our own record: the reply to an earlier try was lost on its way.
      if state_of(known) == 'p' and strip(known):find('"k":"' .. token .. '"', HEAD, true) then
        -- Should that try have ended in the middle, it is made due now.
        gather_due(due, known_as)
        return known_as == key and '' or '+' .. known_as
      end
      return '=' .. known_as .. '\n' .. strip(known)
    end
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

-- Takes back a message whose sender was told that it could not be stored, while nothing has been done with it: a Redis
-- that hangs carries out what it was given when it comes to itself.
local function withdraw(key, digest, token)
  for _, own in ipairs({ key, key .. '-' .. digest }) do
    local value = redis.call('GET', record_name(own))
    local untouched = value and state_of(value) == 'p' and attempt_of(value) == 1 and copies_of(value) == 0
    if untouched and strip(value):find('"k":"' .. token .. '"', HEAD, true) then
      redis.call('DEL', record_name(own))
      redis.call('ZREM', due_set, own)
      count_pending(value, -1)
    end
  end
  return ''
end

-- A resend came from another resource, under another id or asking for a receipt: the answers go there from now on.
-- `members` replace those of an earlier resend; "_" marks them, as no text in a body can, where quotes are escaped.
local function readdress(key, members, owes)
  local name = record_name(key)
  local value = redis.call('GET', name)
  if value and state_of(value) == 'p' then
    local old = strip(value)
    local head = old:sub(1, 2) .. (owes == '1' and '1' or old:sub(3, 3)) .. old:sub(4)
    local from, to = head:find(',"_":0,.-,"_":1', HEAD)
    if from then head = head:sub(1, from - 1) .. head:sub(to + 1) end
    redis.call('SET', name, head:sub(1, -2) .. members .. '}' .. value:sub(#old + 1))
  end
  return ''
end
