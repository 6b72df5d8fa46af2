-- Stores a message unless it is known.
-- Returns '' when it was stored under its key, '+' and another key when that key was taken by another text,
-- or '=', the key, a line feed and what is known.
local function accept(key, alias, value, due, window)
  local name = record_name(key)
  local stored_as = key
  if redis.call('SETNX', name, value) == 0 then
    local digest, token = value:match('"d":"([^"]+)"', HEAD), value:match('"k":"([^"]+)"', HEAD)
    local own = key .. '-' .. digest
    local known = redis.call('GET', name)
    local known_as = key
    if not known:find('"d":"' .. digest .. '"', HEAD, true) then
      -- The id was used before, for another text: another message, which has a name of its own.
      name = record_name(own)
      known_as = own
      known = redis.call('SETNX', name, value) == 0 and redis.call('GET', name)
      if not known then
        redis.call('RPUSH', index_name(key), own)
        redis.call('PEXPIRE', index_name(key), window)
        stored_as = own
      end
    end
    if known then
      -- Our own record: the reply to an earlier try was lost on its way.
      if state_of(known) == 'p' and known:find('"k":"' .. token .. '"', HEAD, true) then
        return known_as == key and '' or '+' .. known_as
      end
      return '=' .. known_as .. '\n' .. strip(known)
    end
  end
  local added = gathered.due
  added[#added + 1] = due
  added[#added + 1] = stored_as
  count_pending(value, 1)
  if alias ~= '' then
    -- Clients answer with the id or with the origin-id (XEP-0359): both must lead here.
    redis.call('RPUSH', index_name(alias), stored_as)
    redis.call('PEXPIRE', index_name(alias), window)
  end
  return stored_as == key and '' or '+' .. stored_as
end

-- A resend came from another resource or under another id: the answers go there from now on.
local function readdress(key, members)
  local name = record_name(key)
  local value = redis.call('GET', name)
  if value and state_of(value) == 'p' then
    local head = strip(value)
    redis.call('SET', name, head:sub(1, -2) .. members .. '}' .. value:sub(#head + 1))
  end
  return ''
end
