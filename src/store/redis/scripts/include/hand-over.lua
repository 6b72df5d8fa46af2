--- @include "quarantine"
--- @include "evidence"
--- @include "delivered"
-- What became of a copy: the server has handled it, or it came back.

local hand_overs = {}
lazily(hand_overs, function()

local function out_after_handover(head) return record.copy_of(head) == '0' and '1' or record.copy_of(head) end

-- How a copy went that the server has handled just now. `ended`: a session of his has ended since it was written; `is_known`: this one
-- was noted before.
local function how_it_goes(key, presence, says, sessions, stays_nowhere, resource, recipient, count, ended, is_known)
  if presence == '?' then
    -- Of a first copy there is nothing to look up.
    if count < 2 then return '?' end
    local before, _, _, passed = evidence.last_copy(key, recipient)
    return before == 'v' and 'v' or '?', passed
  end
  if presence == 'o' and resource ~= '' and not sessions[resource] then return 'x' end
  if presence == 'f' and not ended then return stays_nowhere and 'x' or 's' end
  if says == 'n' then return 'n' end
  local before, _, _, passed = evidence.last_copy(key, recipient)
  if is_known and evidence.IS_ASKED_ABOUT[before] then return before, passed end
  return (before == 'T' and 't') or (evidence.WITH_SESSION[before] and 'g') or 'o', passed
end

-- The server has handled a copy: from here on the rules count, and no longer the lease.
-- `count` of copies includes this one: a call whose reply was lost is made again, and must not count it twice.
-- `stays_nowhere`: it was marked to be kept from offline storage. `resource`: it went to that one, and to no other should
-- that be gone. `proved`: when (ms) the server proved to have it, or 0; `took`: how long (ms) before that it was written.
-- Reply: due, when (ms) next; moot, when nothing is, or a later attempt has it.
function hand_overs.note(key, attempt, count, by_timetable, unconfirmed, sender, recipient, stays_nowhere, resource, proved, took, now, ttl, keep)
  local name = record_name(key)
  local head = head_of(key)
  if not head or not is_pending(head) then return 'moot' end
  local out = out_after_handover(head)
  if record.attempt_of(head) ~= attempt then
    -- A later attempt is on its way and has its own lease; that this copy is out stays true.
    redis.call('SETRANGE', name, 2, out)
    return 'moot'
  end
  local is_known = record.copies_of(head) >= count
  count = math.min(math.max(record.copies_of(head), count), 255)
  local presence, sessions, ended_at = evidence.presence_of(recipient, resource ~= '')
  local says = evidence.acknowledges(sender, recipient, sessions)
  -- Later where Redis stood still: a session that has begun meanwhile has not had it.
  local handed = proved > 0 and math.min(now, proved + POLICY.BEHIND) or now
  local written = (proved > 0 and proved or now) - took
  local ended = ended_at ~= nil and ended_at >= written
  local how, passed = 'b', false
  if out ~= 'b' then how, passed = how_it_goes(key, presence, says, sessions, stays_nowhere, resource, recipient, count, ended, is_known) end
  -- It may have gone to the session that has ended. Who has come since is not taken for having it.
  if ended and evidence.WITH_SESSION[how] then handed = math.min(handed, written) end
  -- What went nowhere is as good as bounced, whatever is known of his client.
  if how == 'x' and out == '1' then out = 'b' end
  redis.call('SETRANGE', name, 2, out .. sub(head, 4, 4) .. string.format('%02x', count))
  local counts_for = record.copies_of(head) == 0 and sender or nil
  local is_first = attempt == 1 and counts_for ~= nil and redis.call('EXISTS', name_of('life', key)) == 0
  if not is_first and not is_known then evidence.record_event(key, handed, 'handed-over ' .. how, keep, recipient) end
  evidence.write_copy(key, how, stored_at(head), handed, recipient, passed, is_first, counts_for)
  local expiry = stored_at(head) + ttl
  -- The sessions of one who has had all that he may be sent are not pinged.
  local ping_due = evidence.rule(evidence.SILENT, presence, says, out) == '1' and unconfirmed >= expiry and expiry or by_timetable
  local dues = { T = by_timetable, A = ping_due, U = unconfirmed, ['-'] = expiry }
  local due = dues[evidence.rule(evidence.TIMER, presence, says, out)]
  redis.call('ZADD', due_set, 'XX', due, key)
  return string.format('due\0%.0f', due)
end

-- A temporary bounce: the last copy did not arrive, which is noted, and the record stays pending. An earlier copy may
-- still be out: then a bounce of this one, which offline storage was forbidden to take, says nothing new.
-- Reply: unknown; ended (before); bounced, key, record without its payload.
function hand_overs.bounce(key, now, keep)
  local found, value = quarantine.oldest_sound(key)
  if not found then return #records.candidates(key) == 0 and not delivered.digest_of(key) and 'unknown' or 'ended' end
  local fields = fields_of(value)
  -- The same call may have been carried out before.
  local is_known = record.copy_of(value) == 'b' and evidence.last_copy(found, fields.recipient) == 'b'
  if record.copy_of(value) ~= '2' and not is_known then
    redis.call('SETRANGE', record_name(found), 2, 'b')
    evidence.record_event(found, now, 'bounced', keep, fields.recipient)
    evidence.write_copy(found, 'b', stored_at(value), now, fields.recipient)
    -- It came back before it was noted as handed over.
    if record.copies_of(value) == 0 then evidence.in_trouble(found, fields.sender, keep) end
    value = sub(value, 1, 2) .. 'b' .. sub(value, 4)
  end
  return 'bounced\0' .. found .. '\0' .. strip(value)
end
end)
