--- @include "quarantine"
--- @include "evidence"
--- @include "delivered"
-- Ends a record undelivered, its payload kept aside for an operator, and for what its sender is told.
-- Reply: undelivered, key, tombstone: with its payload, unless the sender is away.
local function undeliver(key, value, state, ending, now, owed_until, window, retention)
  local tombstone = finish(key, value, state, ending, window)
  redis.call('SET', name_of('u', key), value, 'PX', retention)
  -- At once: a late receipt of the same call is owed under this very name.
  redis.call('ZREM', due_set, due_member(key, 'p'))
  local notice, away = evidence.addressed_to_sender(tombstone)
  -- At once, too: that he has been told may come behind it in the same call.
  redis.call('ZADD', due_set, away and now + POLICY.NOTICE_TO_ABSENT_SENDER or owed_until, due_member(key, state))
  local fields = fields_of(value)
  copies.begin_life(key, copies.remove(key, fields.recipient), math.max(window, retention))
  -- Still one of its sender's troubles, for as long as it can be sent after all.
  evidence.in_trouble(key, fields.sender, math.max(window, retention))
  -- The error to the sender has the message's body.
  local payload = not away and find(value, PAYLOAD, HEAD + 1, true)
  return 'undelivered\0' .. key .. '\0' .. notice .. (payload and sub(value, payload) or '')
end

-- An ending's sender, whom somebody has looked for in another shard, is away: he is told when he comes. Reply: done.
local function postpone_notice(key, state, sender, now, keep)
  if redis.call('ZADD', due_set, 'XX', 'CH', now + POLICY.NOTICE_TO_ABSENT_SENDER, due_member(key, state)) == 1 then
    evidence.in_trouble(key, sender, keep)
  end
  return 'done'
end

-- A permanent bounce. Reply: unknown; ended (before); or as undeliver.
local function reject(key, ending, now, owed_until, window, retention)
  local found, value = quarantine.oldest_sound(key)
  if not found then return #records.candidates(key) == 0 and not delivered.digest_of(key) and 'unknown' or 'ended' end
  return undeliver(found, value, 'r', ending, now, owed_until, window, retention)
end

-- The end of a message's life. Where a copy is out and a missing receipt means nothing, nobody knows.
-- Reply: moot, when it is not its time or it has ended; unconfirmed, key, tombstone; or as undeliver.
local function expire(key, ending, now, ttl, owed_until, window, retention)
  local value = read(key)
  if not value or state_of(value) ~= 'p' then return 'moot' end
  local word = records.word_on(value)
  if word == 'h' or (now < stored_at(value) + ttl and not word) then return 'moot' end
  local fields = fields_of(value)
  local presence, sessions = evidence.presence_of(fields.recipient)
  local how, _, _, passed = evidence.last_copy(key, fields.recipient)
  local says = how == 'n' and 'n' or evidence.acknowledges(fields.sender, fields.recipient, sessions)
  -- His client has gone on in the conversation: most likely it knows the message, and drops copies without a word. What became of one
  -- after the copy of the ledger was made that it is in, nobody knows.
  if passed or word or evidence.rule(evidence.ENDS, presence, says, record.copy_of(value)) == 'u' then
    local tombstone = finish(key, value, 'u', ending, window)
    -- At once: a late receipt of the same call is owed under this very name.
    redis.call('ZREM', due_set, due_member(key, 'p'))
    untrack_copy(key, value)
    local notice, away = evidence.addressed_to_sender(tombstone)
    if owes_receipt(value) then
      redis.call('ZADD', due_set, away and now + POLICY.NOTICE_TO_ABSENT_SENDER or owed_until, due_member(key, 'u'))
      if away then evidence.in_trouble(key, fields.sender, window) end
    end
    return 'unconfirmed\0' .. key .. '\0' .. notice
  end
  return undeliver(key, value, 'x', ending, now, owed_until, window, retention)
end

-- Makes sure that a record is found under another key, too.
local function lead_to(name, key, keep)
  redis.call('LREM', name, 0, key)
  redis.call('RPUSH', name, key)
  redis.call('PEXPIRE', name, keep)
end

-- An operator sends it after all: a new life from now on. Reply: moot, when there is nothing to send; requeued, record.
local function requeue(key, now, due, keep)
  local value = records.undelivered(key)
  if not value then return 'moot' end
  local known = read(key)
  if known and state_of(known) ~= 'x' and state_of(known) ~= 'r' then return 'moot' end
  if not record.is_requeued(value) then value = record.with(value, { first_stored_at = string.format('%.0f', stored_at(value)) }) end
  local attempt = string.format('%04x', (record.attempt_of(known or value) + 1) % 65536)
  local requeued = FORMAT .. 'p0' .. sub(value, 4, 4) .. '00' .. attempt .. string.format('%013.0f', now) .. sub(value, HEAD + 1)
  redis.call('SET', record_name(key), requeued)
  redis.call('ZADD', due_set, due, key)
  if known then redis.call('ZREM', due_set, due_member(key, state_of(known))) end
  redis.call('DEL', name_of('u', key))
  evidence.record_event(key, now, 'revived', keep, fields_of(value).recipient)
  count_pending(requeued, 1)
  -- What leads to it besides its name may be forgotten by now.
  if #key > KEY then lead_to(index_name(key:sub(1, KEY)), key, keep) end
  local alias = fields_of(value).alias
  if alias ~= '' then lead_to(index_name(alias), key, keep) end
  return 'requeued\0' .. requeued
end
