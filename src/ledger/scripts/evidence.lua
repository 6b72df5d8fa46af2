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

-- Notes that a message of this sender's is in trouble, for as long as `keep` (ms); never for less than another of his is.
local function in_trouble(key, sender, keep)
  local name = from_name(sender)
  redis.call('SADD', name, key)
  if redis.call('PTTL', name) < keep then redis.call('PEXPIRE', name, keep) end
end

-- A copy is out that no receipt has come for. `how` it went: o to a live session, g the same for a gap's sake, n to one
-- whose client returns no receipts, s to offline storage, x nowhere (he was offline, and it was not to be stored; or it
-- was for one resource alone, which was gone),
-- b it came back, ? his presence was not known.
local function put_out(key, how, stored, handed, sender, recipient, keep)
  redis.call('HSET', out_name(recipient), key, string.format('%s;%.0f;%.0f', how, stored, handed))
  redis.call('PEXPIRE', out_name(recipient), keep)
  in_trouble(key, sender, keep)
end

local function how_it_went(key, recipient)
  local entry = redis.call('HGET', out_name(recipient), key)
  if not entry then return nil end
  local how, _, handed = entry:match('^(.);(%d+);(%d+)$')
  return how, tonumber(handed)
end

-- It has ended: no copy of it is waited for any more. One that never was in trouble costs nothing here.
local function call_in(key, value)
  if byte(value, 2) == 48 then return end -- 0
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

-- How many copies that are out to one recipient are looked at in one operation: 100,000 at once would take ten seconds.
local PAGE = 100

-- Calls `visit(key, how, stored, handed)` for a page of the copies that are out to a recipient. Returns the cursor of the
-- next page, '0' after the last.
local function each_out(recipient, cursor, visit)
  local next_cursor, flat = unpack(redis.call('HSCAN', out_name(recipient), cursor, 'COUNT', PAGE))
  for i = 1, #flat, 2 do
    local how, stored, handed = flat[i + 1]:match('^(.);(%d+);(%d+)$')
    if how then visit(flat[i], how, tonumber(stored), tonumber(handed)) end
  end
  return next_cursor
end

-- The record of a copy that is out, or nil when it has ended, and then it is out no more.
local function still_pending(key, recipient)
  local value = read(key)
  if value and state_of(value) == 'p' then return value end
  redis.call('HDEL', out_name(recipient), key)
  return nil
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

-- A sender logs in: what he could not be told while he was away is due now. A page of it; returns the next cursor.
local function tell(sender, cursor, now)
  local next_cursor, keys = unpack(redis.call('SSCAN', from_name(sender), cursor, 'COUNT', PAGE))
  for _, key in ipairs(keys) do
    local head = head_of(key)
    local state = head and state_of(head)
    local owed = state and state ~= 'p' and redis.call('ZSCORE', due_set, due_member(key, state))
    if owed and tonumber(owed) > now then redis.call('ZADD', due_set, now, due_member(key, state)) end
    -- One that nothing can be done about any more.
    if (state == 'u' or state == 'd') and not owed then redis.call('SREM', from_name(sender), key) end
  end
  return next_cursor
end

-- What lay in offline storage comes together, and what of it is not confirmed is due in the order in which it was stored:
-- the older, the sooner, by such a part of the wait at the most.
local SPREAD = 0.1

-- He is there, by a login, by any other available presence, or because another session of his has ended. What certainly
-- did not reach him is to be sent again: it is leased, and returned as key, attempt, `how`, time of storing and token,
-- joined by commas after the cursor of the next page; '-' alone when he is away.
-- `event` is l for a login, u for the others, h for a session that was there before and of which nothing was heard for a
-- while. All but the first leave alone what is being sent: of a login that was missed, each of them brings the same.
local function came(recipient, event, cursor, now, step_due, lease_until, retries, ttl, keep)
  local presence, sessions = presence_of(recipient)
  if presence == 'f' or (presence == '?' and not next(sessions)) then return presence == 'f' and '-' or '0' end
  -- Should his presence have been forgotten since: that he is there is known all the same.
  presence = 'o'
  local found, says_to = {}, {}
  local next_cursor = each_out(recipient, cursor, function(key, how, stored, handed)
    if how == 'n' then return end
    local lost = (how == 'o' or how == 'g') and not outlived(sessions, handed)
    if (how == 'o' and not lost and event ~= 'h') or (how == 'g' and not lost) then return end
    local value = still_pending(key, recipient)
    if not value then return end
    local body = body_of(value)
    local sender = body.s
    says_to[sender] = says_to[sender] or acknowledges(sender, recipient, sessions)
    local says = says_to[sender]
    local again = false
    if how == 'b' then again = value:sub(2, 2) == 'b' and rule(PRESENCE, presence, says, 'b') == 'p'
    elseif how == 'x' then again = true
    elseif lost then
      local ended = rule(ENDED, presence, says, '1')
      again = ended == 'a' or (ended == '1' and copies_of(value) <= retries)
    else
      -- It comes to this session now, by itself, if it was stored; or the session may be another than it went to.
      if how ~= 'o' then put_out(key, 'o', stored, now, sender, recipient, keep) end
      if rule(STORED, presence, says, '1') == 's' then
        local due = step_due - SPREAD * (step_due - now) * math.min(1, math.max(0, (now - stored) / ttl))
        redis.call('ZADD', due_set, 'XX', 'LT', due, key)
      end
    end
    if again and how ~= 'b' and event ~= 'l' then
      local due = redis.call('ZSCORE', due_set, key)
      again = due and tonumber(due) > lease_until
    end
    if again then
      if lost then note(key, now, 'session-ended', keep) end
      redis.call('ZADD', due_set, 'XX', lease_until, key)
      found[#found + 1] = string.format('%s,%d,%s,%.0f,%s', key, attempt_of(value), how, stored, first_token(body))
    end
  end)
  table.insert(found, 1, next_cursor)
  return table.concat(found, ',')
end

-- A session confirmed a message that was stored at `later`: what went to it before, and is not confirmed, is due at `due`
-- unless it is sooner; once for each session, since a client may drop a copy that it knows without confirming it.
-- Returns the cursor of the next page, and how many are.
local function gap(recipient, resource, later, due, cursor)
  local count = 0
  local presence, sessions = presence_of(recipient)
  local session = sessions[resource]
  if not session then return '0 0' end
  local next_cursor = each_out(recipient, cursor, function(key, how, stored, handed)
    if how ~= 'o' or stored >= later or handed < session.since then return end
    local value = still_pending(key, recipient)
    if not value then return end
    local says = acknowledges(body_of(value).s, recipient, sessions)
    if rule(GAP, presence, says, '1') ~= 'g' then return end
    count = count + redis.call('ZADD', due_set, 'XX', 'LT', 'CH', due, key)
  end)
  return next_cursor .. ' ' .. count
end
