--- @include "quarantine"
--- @include "corrections"
--- @include "session-answers"
-- Whether an attempt may be sent, and to whom: see docs/redelivery.md.

local claims = {}
lazily(claims, function()

-- Whether a job may still take this up. `lease` is that of the sweep that made the job, or '*': what was handed over
-- since then is due later, and no longer that job's.
local function is_due(member, now, lease)
  if lease == '*' then return true end
  local due = tonumber(redis.call('ZSCORE', due_set, member))
  return not due or due <= now or due == tonumber(lease)
end

-- Whether nothing is to be sent whatever the clock says: he is known to be away and comes back, or a missing receipt of
-- his means nothing.
function claims.must_wait(presence, says, copy)
  if evidence.rule(evidence.TIMER, presence, says, copy) ~= '-' then return false end
  return presence == 'f' or (evidence.rule(evidence.ENDED, presence, says, copy) == '-' and evidence.rule(evidence.PRESENCE, presence, says, copy) == '-')
end

-- A copy that went to a session, and whose receipt is a step of the timetable late: is that session there? Returns nil when
-- the copy is to be sent again at once; else moot, or `asks`, the recipient and the resources that are to be asked: none of them
-- when it is only to be looked again who of his sessions is silent.
-- A server hands a session its stanzas in order: one that has answered since has got the copy, whatever its client makes of
-- it, and is not asked again. Else the next ping comes when as much time has passed as has now, and no sooner than a step.
local function ping_first(key, value, recipient, sessions, now, ttl)
  local how, stored, handed, passed = evidence.last_copy(key, recipient)
  local settled = how == 'a' or how == 'e'
  if not settled and not evidence.IS_ASKED_ABOUT[how] then return nil end
  local expiry = stored_at(value) + ttl
  local answers = asked.answers_of(recipient, sessions)
  local to_ping, unsure, silent, left = { recipient }, not settled, false, false
  if unsure then
    if not asked.outlived(sessions, handed) then return nil end
    unsure = false
    for resource, session in pairs(sessions) do
      local answer = answers[resource]
      if evidence.may_have_had(session, handed) and not (answer and answer.state == 'a' and answer.asked >= handed) then
        unsure = true
        silent = silent or asked.is_silent(answers, resource)
        local wait = answer and answer.state == '?' and math.max(POLICY.SESSION_ANSWER, times.first_step) or times.first_step
        local is_due_for_ping = not answer or now - answer.asked >= wait
        if is_due_for_ping and #to_ping > asked.AT_ONCE then left = true
        elseif is_due_for_ping then
          to_ping[#to_ping + 1] = resource
          -- One that was silent is so until it answers.
          local state = asked.is_silent(answers, resource) and 's' or '?'
          redis.call('HSET', name_of('asked', recipient), resource, string.format('%.0f;%.0f;%s', session.since, now, state))
        end
      end
    end
    if #to_ping > 1 then redis.call('PEXPIRE', name_of('asked', recipient), asked.KEPT_FOR) end
  end
  if not unsure then
    if how == 'k' then return nil end
    local now_how = (how == 'o' and 'a') or ((how == 'g' or how == 't') and 'e') or how
    if now_how ~= how then evidence.write_copy(key, now_how, stored, handed, recipient, passed) end
    redis.call('ZADD', due_set, expiry, key)
    return 'moot'
  end
  redis.call('ZADD', due_set, math.min(expiry, now + (left and times.first_step or math.max(times.first_step, now - handed))), key)
  return (#to_ping > 1 or silent) and list_of('asks', to_ping) or 'moot'
end

-- Claims an attempt, so that of two processes, or of a job that runs twice, one sends.
-- What is out from earlier copies stays out, whatever becomes of this one ('1' turns '2'); after a bounce nothing is
-- out ('b' turns '0').
-- Reply: moot, when there is nothing to send (yet, or any more) or another has claimed it; overdue, when its life is over; what
-- `ping_first` gives when his sessions are to be asked first; claimed: whether offline storage must not take this copy, the
-- resource that it should go to or '', and the record as claimed: pending, or ended with its sender to be notice, a failure with
-- its payload where that is kept.
function claims.claim(key, attempt, now, lease_until, ttl, lease, keep)
  local value = read(key)
  if not value then
    -- What is left of a damaged one may be owed.
    if not peek(key) then redis.call('ZREM', due_set, key) end
    return 'moot'
  end
  if record.attempt_of(value) ~= attempt then return 'moot' end
  local no_store, target = '0', ''
  local word = records.word_on(value)
  if word == 'h' then
    -- Nor are senders told: most have been.
    redis.call('ZADD', due_set, 'XX', now + POLICY.WHILE_PAUSED, due_member(key, state_of(value)))
    return 'moot'
  end
  if state_of(value) == 'p' then
    if not is_due(key, now, lease) then return 'moot' end
    if word == 'e' or now >= stored_at(value) + ttl then return 'overdue' end
    -- A pause keeps back further copies; a first one, which was never handed over, goes on.
    if record.copies_of(value) > 0 and records.is_paused() then
      redis.call('ZADD', due_set, now + POLICY.WHILE_PAUSED, key)
      return 'moot'
    end
    local fields = fields_of(value)
    local outdated = fields.target ~= '' and corrections.outdated_by(key, fields.target)
    if outdated == 'd' then
      corrections.end_outdated(key, value)
      return 'moot'
    elseif outdated then
      redis.call('ZADD', due_set, math.min(now + POLICY.OUTDATED_CORRECTION, stored_at(value) + ttl), key)
      return 'moot'
    end
    local presence, sessions = evidence.presence_of(fields.recipient)
    local says = evidence.acknowledges(fields.sender, fields.recipient, sessions)
    if claims.must_wait(presence, says, record.copy_of(value)) then
      redis.call('ZADD', due_set, stored_at(value) + ttl, key)
      return 'moot'
    end
    -- After the link was down his presence is not known for a while, and the sessions that it went to may be there.
    if presence == '?' and lease ~= '*' and next(sessions) and record.copies_of(value) > 0 and evidence.WITH_SESSION[evidence.last_copy(key, fields.recipient)] then
      redis.call('ZADD', due_set, now + times.first_step, key)
      return 'moot'
    end
    if evidence.rule(evidence.TIMER, presence, says, record.copy_of(value)) == 'A' then
      -- What somebody wants now waits for no ping.
      local pings = lease ~= '*' and ping_first(key, value, fields.recipient, sessions, now, ttl)
      if pings then return pings end
      local best, others_silent = asked.surest(sessions, asked.answers_of(fields.recipient, sessions))
      local how, stored, handed, passed = evidence.last_copy(key, fields.recipient)
      if others_silent or how == 'k' then target = best end
      if target ~= '' and evidence.WITH_SESSION[how] then evidence.write_copy(key, 'T', stored, handed, fields.recipient, passed) end
    end
    redis.call('ZADD', due_set, lease_until, key)
    evidence.record_event(key, now, 'claimed', keep, fields.recipient)
    -- Where nothing is known of him, each copy more would be one more in offline storage; one that is sent on evidence
    -- is the only one.
    no_store = presence == '?' and (says == 'y' or record.copies_of(value) > 0) and '1' or '0'
    local out = ({ ['1'] = '2', b = '0' })[record.copy_of(value)]
    if out then
      redis.call('SETRANGE', record_name(key), 2, out)
      value = sub(value, 1, 2) .. out .. sub(value, 4)
    end
  else
    local member = due_member(key, state_of(value))
    if not redis.call('ZSCORE', due_set, member) or not is_due(member, now, lease) then return 'moot' end
    local notice, away = value, false
    -- A receipt is a message that servers keep for somebody who is away.
    if state_of(value) ~= 'd' then
      local tombstone = strip(value)
      notice, away = evidence.addressed_to_sender(tombstone)
      -- The error about a failure has the message's body, which is kept with what was not delivered.
      local whole = #tombstone < #value and value or not away and state_of(value) ~= 'u' and records.undelivered(key)
      if whole then notice = notice .. sub(whole, #strip(whole) + 1) end
    end
    redis.call('ZADD', due_set, away and now + POLICY.NOTICE_TO_ABSENT_SENDER or lease_until, member)
    if away then
      -- So that he is told as soon as he comes; of what failed undelivered that is noted already.
      evidence.in_trouble(key, fields_of(value).sender, keep)
      return 'moot'
    end
    value = notice
  end
  return 'claimed\0' .. no_store .. '\0' .. target .. '\0' .. records.next_attempt(key, value)
end
end)
