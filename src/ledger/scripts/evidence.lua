-- What is known of a recipient and of the copies that are out to him, and what follows from it: by the rules that
-- redelivery.ts decides, one letter a situation.
local RULES = ARGV[8]
local CELLS = 27
local TIMER, PRESENCE, ENDED, STORED, GAP, ENDS = 0, 1, 2, 3, 4, 5
local PRESENCE_AT = { ['?'] = 0, o = 9, f = 18 }
local ACKNOWLEDGES_AT = { y = 0, n = 3, u = 6 }
local COPY_AT = { ['1'] = 0, ['2'] = 0, b = 1, ['0'] = 2 }

-- `presence`: ? unknown, o online, f offline; `acknowledges`: y, n, u; `copy`: a head's second character.
local function rule(kind, presence, acknowledges, copy)
  local cell = kind * CELLS + PRESENCE_AT[presence] + ACKNOWLEDGES_AT[acknowledges] + COPY_AT[copy] + 1
  return RULES:sub(cell, cell)
end

local function sessions_name(user) return prefix .. ':sessions:' .. user end
local function out_name(recipient) return prefix .. ':out:' .. recipient end
local function from_name(sender) return prefix .. ':from:' .. sender end
local function life_name(key) return prefix .. ':life:' .. key end

-- A user's presence, and his sessions: since when (ms) each lasts, and whether its client returns receipts.
local function presence_of(user)
  local flat = redis.call('HGETALL', sessions_name(user))
  local sessions, known = {}, false
  for i = 1, #flat, 2 do
    if flat[i] == '' then known = true
    else
      local since, receipts = flat[i + 1]:match('^(%d+);(%a)')
      sessions[flat[i]] = { since = tonumber(since), receipts = receipts }
    end
  end
  if not known then return '?', sessions end
  return next(sessions) and 'o' or 'f', sessions
end

local function are_contacts(one, other)
  return redis.call('HGET', prefix .. ':sub:' .. one, other) == 's' or redis.call('HGET', prefix .. ':sub:' .. other, one) == 's'
end

-- Whether a missing receipt of this recipient, for a message of this sender, means anything. Many clients return receipts
-- to contacts only, so what is remembered of him is whether he ever did without being one ('1') or never yet ('s').
local function acknowledges(sender, recipient, sessions)
  local says = {}
  for _, session in pairs(sessions) do says[session.receipts or 'u'] = true end
  if says.n and not says.y and not says.u then return 'n' end
  local seen = redis.call('GET', confirms_name(recipient))
  if seen == '1' then return 'y' end
  if not seen and not says.y then return 'u' end
  return are_contacts(sender, recipient) and 'y' or 'n'
end

-- Notes an event of a message's life, for whoever looks it up. Only what is in trouble has such notes.
local function note(key, now, event, keep)
  local name = life_name(key)
  redis.call('RPUSH', name, string.format('%.0f', now) .. ' ' .. event)
  redis.call('LTRIM', name, -100, -1)
  redis.call('PEXPIRE', name, keep)
end

-- A copy is out that no receipt has come for. `how` it went: o to a live session, g the same for a gap's sake, n to one
-- whose client returns no receipts, s to offline storage, x nowhere (he was offline, and it was not to be stored),
-- b it came back, ? his presence was not known.
local function put_out(key, how, stored, handed, sender, recipient, keep)
  redis.call('HSET', out_name(recipient), key, string.format('%s;%.0f;%.0f', how, stored, handed))
  redis.call('PEXPIRE', out_name(recipient), keep)
  redis.call('SADD', from_name(sender), key)
  redis.call('PEXPIRE', from_name(sender), keep)
end

local function how_it_went(key, recipient)
  local entry = redis.call('HGET', out_name(recipient), key)
  if not entry then return nil end
  local how, _, handed = entry:match('^(.);(%d+);(%d+)$')
  return how, tonumber(handed)
end

-- It has ended: no copy of it is waited for any more. One that never was in trouble costs nothing here.
local function call_in(key, value)
  if value:sub(2, 2) == '0' then return end
  local body = body_of(value)
  redis.call('HDEL', out_name(body.r), key)
  redis.call('SREM', from_name(body.s), key)
  -- Of most messages there is no more to tell than that the server had them before the receipt came.
  if redis.call('LLEN', life_name(key)) == 1 then redis.call('DEL', life_name(key)) end
end

-- Whether any session lives that did so when a copy was handed over.
local function outlived(sessions, handed)
  for _, session in pairs(sessions) do
    if session.since <= handed then return true end
  end
  return false
end

-- Whether one message was stored before another: their times, and within one millisecond their tokens, which a process
-- counts. Each is a table with `stored` (ms) and `token`.
local function comes_before(one, other)
  if one.stored ~= other.stored then return one.stored < other.stored end
  if #one.token ~= #other.token then return #one.token < #other.token end
  return one.token < other.token
end

-- Calls `visit(key, how, stored, handed, value)` for each pending message that has a copy out to a recipient.
local function each_out(recipient, visit)
  local flat = redis.call('HGETALL', out_name(recipient))
  for i = 1, #flat, 2 do
    local key = flat[i]
    local how, stored, handed = flat[i + 1]:match('^(.);(%d+);(%d+)$')
    local value = redis.call('GET', record_name(key))
    if value and state_of(value) == 'p' then
      visit(key, how, tonumber(stored), tonumber(handed), value)
    else
      redis.call('HDEL', out_name(recipient), key)
    end
  end
end

-- How long a failure waits for a sender who is away before it is looked again whether he is, ms.
local AWAY_FOR = 3600000

-- A sender is told failures by error stanzas and quiet notices, which no server keeps for somebody who is away, and which
-- one resource's absence sends nowhere: so an ended record is returned for a session of his that lives; marked w when he
-- is known to be away.
local function towards_sender(tombstone)
  local body = body_of(tombstone)
  local presence, sessions = presence_of(body.s)
  if presence == 'f' then return tombstone:sub(1, 1) .. 'w' .. tombstone:sub(3), true end
  if presence == 'o' and not sessions[body.sr or ''] then
    return tombstone:sub(1, -2) .. ',"sr":' .. cjson.encode((next(sessions))) .. '}', false
  end
  return tombstone, false
end

-- A sender logs in: what he could not be told while he was away is due now.
local function tell(sender, now)
  for _, key in ipairs(redis.call('SMEMBERS', from_name(sender))) do
    local state = redis.call('GETRANGE', record_name(key), 0, 0)
    local owed = state ~= '' and state ~= 'p' and redis.call('ZSCORE', due_set, due_member(key, state))
    if owed and tonumber(owed) > now then redis.call('ZADD', due_set, now, due_member(key, state)) end
    -- One that nothing can be done about any more.
    if (state == 'u' or state == 'd') and not owed then redis.call('SREM', from_name(sender), key) end
  end
end

-- He is there, by a login or by any other available presence. What certainly did not reach him is to be sent again: it
-- is leased, and returned as triples of key, attempt and `how`, oldest first, joined by commas.
local function came(recipient, login, now, step_due, lease_until, retries, keep)
  if login then tell(recipient, now) end
  if redis.call('EXISTS', out_name(recipient)) == 0 then return '' end
  local presence, sessions = presence_of(recipient)
  local found = {}
  each_out(recipient, function(key, how, stored, handed, value)
    local body = body_of(value)
    local sender = body.s
    local says = acknowledges(sender, recipient, sessions)
    local again = how == 'b' and rule(PRESENCE, presence, says, 'b') == 'p'
    if login then
      local ended = rule(ENDED, presence, says, '1')
      if how == 'x' then again = true
      elseif how == 's' then
        -- It comes to this session now, by itself.
        put_out(key, 'o', stored, now, sender, recipient, keep)
        if rule(STORED, presence, says, '1') == 's' then redis.call('ZADD', due_set, 'XX', step_due, key) end
      elseif (how == 'o' or how == 'g') and not outlived(sessions, handed) then
        again = ended == 'a' or (ended == '1' and copies_of(value) <= retries)
        if again then note(key, now, 'session-ended', keep) end
      end
    end
    if again then
      redis.call('ZADD', due_set, 'XX', lease_until, key)
      found[#found + 1] = { stored = stored, token = body.k or '', text = key .. ',' .. attempt_of(value) .. ',' .. how }
    end
  end)
  table.sort(found, comes_before)
  for i, entry in ipairs(found) do found[i] = entry.text end
  return table.concat(found, ',')
end

-- A session confirmed a message that was stored at `later`: what went to it before, and is not confirmed, is due at `due`
-- unless it is sooner; once for each session, since a client may drop a copy that it knows without confirming it.
-- Returns how many are.
local function gap(recipient, resource, later, due)
  local count = 0
  local presence, sessions = presence_of(recipient)
  local session = sessions[resource]
  if not session then return count end
  each_out(recipient, function(key, how, stored, handed, value)
    if how ~= 'o' or stored >= later or handed < session.since then return end
    local says = acknowledges(body_of(value).s, recipient, sessions)
    if rule(GAP, presence, says, '1') ~= 'g' then return end
    local current = tonumber(redis.call('ZSCORE', due_set, key))
    if current and current > due then
      redis.call('ZADD', due_set, 'XX', due, key)
      count = count + 1
    end
  end)
  return count
end
