--- @include "evidence"
-- Ends a record undelivered, its payload kept aside for an operator, and for what its sender is told. Returns its state, its
-- key, a line feed, the tombstone and, unless the sender is away, the payload.
local function undeliver(key, value, state, members, now, owed_until, window, retention)
  local tombstone = finish(key, value, state, members, window)
  redis.call('SET', undelivered_name(key), value, 'PX', retention)
  -- At once: a late receipt of the same call is owed under this very name.
  redis.call('ZREM', due_set, due_member(key, 'p'))
  local told, away = towards_sender(tombstone)
  gather_due(away and now + POLICY.NOTICE_TO_ABSENT_SENDER or owed_until, due_member(key, state))
  local body = body_of(value)
  redis.call('HDEL', out_name(body.r), key)
  -- Still one of its sender's troubles, for as long as it can be sent after all.
  in_trouble(key, body.s, math.max(window, retention))
  -- The error to the sender has the message's body.
  local payload = not away and value:find('\n', HEAD + 1, true)
  return state .. key .. '\n' .. told .. (payload and value:sub(payload) or '')
end

-- A permanent bounce. Returns '' when the message is not known, '=' when it had ended, else as undeliver.
local function reject(key, members, now, owed_until, window, retention)
  local found, value = oldest_pending(key)
  if not found then return #candidates(key) == 0 and '' or '=' end
  return undeliver(found, value, 'r', members, now, owed_until, window, retention)
end

-- The end of a message's life. Returns '' when it is not its time or it has ended, else its state, its key, a line feed
-- and the tombstone. Where a copy is out and a missing receipt means nothing, nobody knows.
local function expire(key, members, now, ttl, owed_until, window, retention)
  local value = read(key)
  if not value or state_of(value) ~= 'p' or now < stored_at(value) + ttl then return '' end
  local body = body_of(value)
  local presence, sessions = presence_of(body.r)
  local how, _, _, passed = how_it_went(key, body.r)
  local says = how == 'n' and 'n' or acknowledges(body.s, body.r, sessions)
  -- His client has gone on in the conversation: most likely it knows the message, and drops copies without a word.
  if passed or rule(ENDS, presence, says, value:sub(2, 2)) == 'u' then
    local tombstone = finish(key, value, 'u', members, window)
    -- At once: a late receipt of the same call is owed under this very name.
    redis.call('ZREM', due_set, due_member(key, 'p'))
    call_in(key, value)
    local told, away = towards_sender(tombstone)
    if owes_receipt(value) then
      gather_due(away and now + POLICY.NOTICE_TO_ABSENT_SENDER or owed_until, due_member(key, 'u'))
      if away then in_trouble(key, body.s, window) end
    end
    return 'u' .. key .. '\n' .. told
  end
  return undeliver(key, value, 'x', members, now, owed_until, window, retention)
end

-- Makes sure that a record is found under another key, too.
local function lead_to(name, key, keep)
  redis.call('LREM', name, 0, key)
  redis.call('RPUSH', name, key)
  redis.call('PEXPIRE', name, keep)
end

-- An operator sends it after all: a new life from now on. Returns '' when there is nothing to send, else the record.
local function revive(key, now, due, keep)
  local value = undelivered(key)
  if not value then return '' end
  local known = read(key)
  if known and state_of(known) ~= 'x' and state_of(known) ~= 'r' then return '' end
  local head = strip(value)
  local body = head:sub(HEAD + 1)
  if not body:find('"o":', 1, true) then
    body = body:sub(1, -2) .. ',"o":' .. string.format('%.0f', stored_at(value)) .. '}'
  end
  local attempt = string.format('%04x', (attempt_of(known or value) + 1) % 65536)
  local revived = 'p0' .. value:sub(3, 3) .. '00' .. attempt .. string.format('%013.0f', now) .. body .. value:sub(#head + 1)
  redis.call('SET', record_name(key), revived)
  redis.call('ZADD', due_set, due, key)
  if known then redis.call('ZREM', due_set, due_member(key, state_of(known))) end
  redis.call('DEL', undelivered_name(key))
  note(key, now, 'revived', keep)
  count_pending(revived, 1)
  -- What leads to it besides its name may be forgotten by now.
  if #key > KEY then lead_to(index_name(key:sub(1, KEY)), key, keep) end
  local alias = cjson.decode(body).al
  if alias then lead_to(index_name(alias), key, keep) end
  return revived
end
