--- @include "due-advance"
--- @include "copies"
--- @include "shards"
-- What is known of a recipient and of the copies that are out to him, and what follows from it: by the rules that
-- redelivery-rules.ts decides, one letter a situation.
local evidence = {}
-- How many copies that are out to one recipient are looked at in one operation: 100,000 at once would take ten seconds.
local PAGE = 100

lazily(evidence, function()
evidence.TIMER, evidence.PRESENCE, evidence.ENDED, evidence.STORED, evidence.GAP, evidence.SILENT, evidence.ENDS = 0, 1, 2, 3, 4, 5, 6

-- `presence`: ? unknown, o online, f offline; `acknowledges`: y, n, u; `copy`: see copy_of.
do
  local RULES = ARGV[8]
  local CELLS = 27
  local PRESENCE_AT = { ['?'] = 0, o = 9, f = 18 }
  local ACKNOWLEDGES_AT = { y = 0, n = 3, u = 6 }
  local COPY_AT = { ['1'] = 0, ['2'] = 0, b = 1, ['0'] = 2 }
  function evidence.rule(kind, presence, acknowledges, copy)
    local cell = kind * CELLS + PRESENCE_AT[presence] + ACKNOWLEDGES_AT[acknowledges] + COPY_AT[copy] + 1
    return RULES:sub(cell, cell)
  end
end

-- A user's presence, and his sessions: since when (ms) each lasts, whether its client returns receipts, and when (ms) it was
-- heard of last. One whose priority is negative gets nothing that is sent to his bare address (RFC 6121 section 8.5.2), and is
-- none; unless `all`. Then when (ms) a session of his has ended last, if one has since his presence is known.
-- `flat`: fields and values of his hash of sessions, for who has them.
function evidence.presence_of(user, all, flat)
  flat = flat or redis.call('HGETALL', name_of('sessions', user))
  local sessions, known, low = {}, nil, nil
  for i = 1, #flat, 2 do
    if flat[i] == '' then known = flat[i + 1]
    elseif byte(flat[i]) == 0 then
      low = low or {}
      low[sub(flat[i], 2)] = flat[i + 1]
    else
      local since, receipts, heard = flat[i + 1]:match('^(%d+);(%a);?(%d*)')
      sessions[flat[i]] = { since = tonumber(since), receipts = receipts, heard = tonumber(heard) or 0 }
    end
  end
  for resource, value in pairs(low or {}) do
    local session = sessions[resource]
    if session and find(value, '%-%d+$') then session.low = value
    elseif not all then sessions[resource] = nil end
  end
  if not known then return '?', sessions end
  return next(sessions) and 'o' or 'f', sessions, tonumber(known:match('^e(%d+)$'))
end

-- Whether a copy to the bare address may have gone to a session that is there now.
function evidence.may_have_had(session, handed)
  if session.since > handed then return false end
  for from, to in (session.low or ''):gmatch('(%d+)%-(%d+)') do
    if tonumber(from) <= handed and handed < tonumber(to) then return false end
  end
  return true
end

-- The same of a sender, all of his sessions; nil when his shard is out of reach.
function evidence.presence_of_sender(sender)
  return shards.visit(shards.of_user(sender), evidence.presence_of, sender, true)
end

-- Whether this contact has let this subscriber have his presence. The subscriber's shard is this one: out of reach of the contact's,
-- what was noted here of it counts.
function evidence.is_subscribed(contact, subscriber)
  local position = shards.of_user(contact)
  if not position then return redis.call('HEXISTS', name_of('to', subscriber), contact) == 1 end
  return redis.call('HGET', KEYS[position] .. ':sub:' .. contact, subscriber) == 's'
end

-- The recipient's shard is this one.
function evidence.are_contacts(sender, recipient)
  return redis.call('HGET', name_of('sub', recipient), sender) == 's' or evidence.is_subscribed(sender, recipient)
end

-- Whether a missing receipt of this recipient, for a message of this sender, means anything. Many clients return receipts
-- to contacts only, so what is remembered of him is whether he ever did without being one ('1') or never yet ('s').
function evidence.acknowledges(sender, recipient, sessions)
  local says = {}
  for _, session in pairs(sessions) do says[session.receipts or 'u'] = true end
  if says.n and not says.y and not says.u then return 'n' end
  local seen = redis.call('GET', name_of('confirms', recipient))
  if seen == '1' then return 'y' end
  if not seen and not says.y then return 'u' end
  return evidence.are_contacts(sender, recipient) and 'y' or 'n'
end

-- Notes an event of a message's life, for whoever looks it up, before its copy's entry changes. Only what is in trouble has such notes.
function evidence.record_event(key, now, event, keep, recipient)
  local name = name_of('life', key)
  local copy = copies.get(key, recipient)
  if copy and copy.is_first then
    copies.begin_life(key, copy, keep)
    copy.is_first = false
    copies.put(key, recipient, copy)
  end
  redis.call('RPUSH', name, string.format('%.0f', now) .. ' ' .. event)
  redis.call('LTRIM', name, -100, -1)
  redis.call('PEXPIRE', name, keep)
end

-- Notes that a message of this sender's is in trouble that his hash `held` does not have, for as long as `keep` (ms); never for less
-- than another of his is.
function evidence.in_trouble(key, sender, keep)
  local name = name_of('from', sender)
  redis.call('SADD', name, key)
  if redis.call('PTTL', name) < keep then redis.call('PEXPIRE', name, keep) end
end

-- A copy is out that no receipt has come for. `how` it went:
-- to a live session: o, and no more is known; a, and all that may have had it have answered since; k, and one of them has
-- ended or passed it over, so that it is sent again when the others have answered; d, and it is to be sent again; T, the same,
-- to one session alone; g after an earlier copy had gone to one; t the same, to one session alone; e as g or t, and that
-- session lived on, so that nothing is sent any more;
-- else: n to one whose client returns no receipts, s to offline storage, x nowhere (he was offline, and it was
-- not to be stored; or it was for one resource alone, which was gone), b it came back, ? his presence was not known, v the
-- same, and an earlier copy had gone out between two receipts of his, so that it most likely came to a session that lived.
-- `passed`: a session that a copy went to has confirmed a later message of the same conversation.
evidence.WITH_SESSION = { o = true, a = true, k = true, d = true, T = true, g = true, t = true, e = true }
-- Those whose sessions are asked whether they are there.
evidence.IS_ASKED_ABOUT = { o = true, k = true, g = true, t = true }

-- `is_first`: its first copy has been handed over just now, nothing else has happened to it; `counts_for`: it counts for this sender.
function evidence.write_copy(key, how, stored, handed, recipient, passed, is_first, counts_for)
  local copy = copies.get(key, recipient) or {}
  copies.begin_life(key, copy, times.window + times.ttl)
  copy.how, copy.stored, copy.handed, copy.passed, copy.is_first = how, stored, handed, passed, is_first
  if counts_for then copies.count(copy, key, counts_for, recipient) end
  copies.put(key, recipient, copy)
end

-- The letter, when (ms) it was stored and handed over, and whether a later one has passed it.
function evidence.last_copy(key, recipient)
  local copy = copies.get(key, recipient)
  if not copy then return nil end
  return copy.how, copy.stored, copy.handed, copy.passed
end

-- As untrack_copy, of one that may have been in trouble.
function evidence.untrack(key, value)
  local fields = fields_of(value)
  local copy = copies.remove(key, fields.recipient)
  redis.call('SREM', name_of('from', fields.sender), key)
  if copy and copy.is_first then return end
  -- Of most messages there is no more to tell than that the server had them before the receipt came.
  if redis.call('LLEN', name_of('life', key)) == 1 then redis.call('DEL', name_of('life', key)) end
end

-- Whether one message was stored before another: their times, and within one millisecond their tokens, which a process
-- counts. Each is a table with `stored` (ms) and `token`.
function evidence.comes_before(one, other)
  if one.stored ~= other.stored then return one.stored < other.stored end
  if #one.token ~= #other.token then return #one.token < #other.token end
  return one.token < other.token
end

-- Calls `visit(key, how, stored, handed, passed)` for a page of the copies that are out to a recipient. Returns the cursor of the
-- next page, '0' after the last.
function evidence.each_copy(recipient, cursor, visit)
  return copies.each(recipient, cursor, PAGE, function(key, copy) visit(key, copy.how, copy.stored, copy.handed, copy.passed) end)
end

-- The record of a copy that is out, or nil when it has ended, and then it is out no more.
function evidence.still_pending(key, recipient)
  local value = read(key)
  if value and state_of(value) == 'p' then return value end
  copies.begin_life(key, copies.remove(key, recipient), times.window + times.ttl)
  return nil
end

-- A sender is told failures by error stanzas and quiet notices, which no server keeps for somebody who is away, and which
-- one resource's absence sends nowhere: so an ended record is returned for a session of his that lives; marked w when he
-- is known to be away. Where his shard is out of reach it is returned as it is, and who asked for it looks there
-- (store/redis/plans.ts).
function evidence.addressed_to_sender(tombstone)
  local fields = fields_of(tombstone)
  local presence, sessions = evidence.presence_of_sender(fields.sender)
  if presence == 'f' then return sub(tombstone, 1, 2) .. 'w' .. sub(tombstone, 4), true end
  if presence == 'o' and not sessions[fields.sender_resource] then
    return record.with(tombstone, { sender_resource = record.text((next(sessions))) }), false
  end
  return tombstone, false
end
end)

-- It has ended: no copy of it is waited for any more. One that never was in trouble costs nothing here.
local function untrack_copy(key, value)
  if byte(value, 3) == 48 and sub(value, 5, 10) == '000001' then return end -- 0
  evidence.untrack(key, value)
end
