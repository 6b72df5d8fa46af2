--- @include "evidence"
--- @include "session-answers"
-- What follows when somebody comes, a session of his ends, or he confirms something.
-- One table, as a script may have no more than 200 locals.
local availability = {}
do

-- A sender logs in: what he could not be told while he was away is due now. A page of it. Reply: next, cursor.
function availability.sender(sender, cursor, now)
  local next_cursor, keys = unpack(redis.call('SSCAN', name_of('from', sender), cursor, 'COUNT', PAGE))
  for _, key in ipairs(keys) do
    local head = head_of(key)
    local state = head and state_of(head)
    local owed = state and state ~= 'p' and redis.call('ZSCORE', due_set, due_member(key, state))
    if owed and tonumber(owed) > now then redis.call('ZADD', due_set, now, due_member(key, state)) end
    -- One that nothing can be done about any more: it has arrived, or its payload was thrown away.
    local is_over = state == 'u' or state == 'd' or ((state == 'r' or state == 'x') and redis.call('EXISTS', name_of('u', key)) == 0)
    if is_over and not owed then redis.call('SREM', name_of('from', sender), key) end
  end
  return 'next\0' .. next_cursor
end

-- Whether one of the sessions that a copy may have gone to is silent, while another has answered since, or come.
local function is_with_silent(sessions, handed, answers)
  local silent, another = false, false
  for resource, session in pairs(sessions) do
    local answer = answers[resource]
    if asked.is_silent(answers, resource) then silent = silent or evidence.may_have_had(session, handed)
    elseif not evidence.may_have_had(session, handed) or (answer and answer.state == 'a' and answer.asked >= handed) then another = true end
  end
  return silent and another
end

-- Whether all that are there of those that may have had a copy have answered since.
local function have_answered(sessions, handed, answers)
  for resource, session in pairs(sessions) do
    local answer = answers[resource]
    if evidence.may_have_had(session, handed) and not (answer and answer.state == 'a' and answer.asked >= handed) then return false end
  end
  return true
end

-- He is there, by a login, by any other available presence, or because another session of his has ended. What certainly
-- did not reach him is to be sent again: it is leased.
-- Reply: away; missed: cursor of the next page, the session that is most surely there or '', then for each message that is leased
-- its key, attempt, `how` it went (q where the evidence is that a session is silent), when (ms) it was stored, and its token.
-- `event` is l for a login, u for the others, e where a session has ended, h for a session that was there before and of which
-- nothing was heard for a while. All but the first leave alone what is being sent: of a login that was missed, each of them
-- brings the same.
function availability.recipient(recipient, event, cursor, now, step_due, lease_until, retries, ttl, keep)
  local presence, sessions = evidence.presence_of(recipient)
  if presence == 'f' or (presence == '?' and not next(sessions)) then return presence == 'f' and 'away' or 'missed\0' .. '0' .. '\0' end
  -- Should his presence have been forgotten since: that he is there is known all the same.
  presence = 'o'
  local found, says_to = {}, {}
  local answers = asked.answers_of(recipient, sessions)
  local there = asked.surest(sessions, answers)
  local next_cursor = evidence.each_copy(recipient, cursor, function(key, how, stored, handed, passed)
    if how == 'n' or how == 'e' then return end
    local with = evidence.WITH_SESSION[how]
    local ended = with and not asked.outlived(sessions, handed)
    local silent = evidence.IS_ASKED_ABOUT[how] and not ended and there ~= '' and
      (not asked.outlived(sessions, handed, answers) or (how ~= 't' and is_with_silent(sessions, handed, answers)))
    -- A session has ended that may have had it; those that are there have had the time to confirm it.
    ended = ended or (how == 'k' and not silent and have_answered(sessions, handed, answers))
    local lost = ended or silent
    -- This very call has leased it before, and its reply was lost.
    local repeated = (how == 'd' or how == 'T') and tonumber(redis.call('ZSCORE', due_set, key)) == lease_until
    local in_doubt = event == 'e' and not lost and evidence.IS_ASKED_ABOUT[how] and how ~= 'k'
    -- What fell due while his priority was negative was put off.
    local was_put_off = event == 'l' and with and not lost and not repeated and how ~= 'a' and how ~= 'T' and
      (tonumber(redis.call('ZSCORE', due_set, key)) or 0) >= stored + ttl
    if with and not lost and not repeated and not in_doubt and not was_put_off and not (event == 'h' and (how == 'o' or how == 'a')) then return end
    local value = evidence.still_pending(key, recipient)
    if not value then return end
    local fields = fields_of(value)
    local sender = fields.sender
    says_to[sender] = says_to[sender] or evidence.acknowledges(sender, recipient, sessions)
    local says = says_to[sender]
    local again = false
    if how == 'b' then again = record.copy_of(value) == 'b' and evidence.rule(evidence.PRESENCE, presence, says, 'b') == 'p'
    elseif how == 'x' or repeated then again = true
    elseif lost then
      local how_often = evidence.rule(ended and evidence.ENDED or evidence.SILENT, presence, says, '1')
      again = how_often == 'a' or (how_often == '1' and record.copies_of(value) <= retries)
    elseif in_doubt then
      -- It may have gone to the session that has ended, or to one that is there: that one is asked first.
      local how_often = evidence.rule(evidence.SILENT, presence, says, '1')
      if how_often == 'a' or (how_often == '1' and record.copies_of(value) <= retries) then
        evidence.write_copy(key, 'k', stored, handed, recipient, passed)
        redis.call('ZADD', due_set, 'XX', 'LT', step_due, key)
      end
    elseif was_put_off then
      local how_often = evidence.rule(evidence.SILENT, presence, says, '1')
      if how_often == 'a' or (how_often == '1' and record.copies_of(value) <= retries) then
        redis.call('ZADD', due_set, 'XX', step_due, key)
      end
    else
      -- It comes to this session now, by itself, if it was stored; or the session may be another than it went to.
      local confirms = evidence.rule(evidence.STORED, presence, says, '1') == 's'
      evidence.write_copy(key, confirms and 'd' or 'o', stored, with and handed or now, recipient, passed)
      if confirms then
        local due = step_due - POLICY.STORAGE_SPREAD * (step_due - now) * math.min(1, math.max(0, (now - stored) / ttl))
        -- Of one with a session, what was due was a ping.
        if with then redis.call('ZADD', due_set, 'XX', due, key) else redis.call('ZADD', due_set, 'XX', 'LT', due, key) end
      elseif evidence.rule(evidence.TIMER, presence, says, '1') == 'A' and record.copies_of(value) <= retries then
        -- The session that it comes to is asked, as any that may have had a copy.
        redis.call('ZADD', due_set, 'XX', 'LT', step_due, key)
      end
    end
    -- That one is due soon may mean that its session is to be asked; one that is being sent, for a lost session, is d or T.
    if again and how ~= 'b' and how ~= 'a' and not evidence.IS_ASKED_ABOUT[how] and event ~= 'l' then
      local due = redis.call('ZSCORE', due_set, key)
      again = due and tonumber(due) >= lease_until
    end
    if again then
      if lost and not repeated then
        evidence.record_event(key, now, ended and 'session-ended' or 'session-silent', keep, recipient)
        if how ~= 'd' and how ~= 'T' then evidence.write_copy(key, 'd', stored, handed, recipient, passed) end
      end
      redis.call('ZADD', due_set, 'XX', lease_until, key)
      local why = (lost or repeated) and not ended and 'q' or how
      found[#found + 1] = string.format('%s\0%d\0%s\0%.0f\0%s', key, record.attempt_of(value), why, stored, record.first_token(fields.tokens))
    end
  end)
  return list_of('missed\0' .. next_cursor .. '\0' .. there, found)
end

local function might_another_have_had(sessions, resource, handed)
  for other, session in pairs(sessions) do
    if other ~= resource and evidence.may_have_had(session, handed) then return true end
  end
  return false
end

-- A recipient whose presence is not known confirmed a message of a sender's that was stored at `later`: what was handed over
-- before has been passed over. The timetable goes on, as it may have been lost with an earlier session; until two copies have
-- gone out with a receipt of his before each and after. Reply: as availability.sequence_gap, none to be sent.
local function gap_unseen(recipient, sender, later, cursor, ttl)
  local next_cursor = evidence.each_copy(recipient, cursor, function(key, how, stored, handed, passed)
    if (how ~= '?' and how ~= 'v') or handed >= later then return end
    local value = evidence.still_pending(key, recipient)
    if not value or fields_of(value).sender ~= sender then return end
    local now_how = (not passed and how) or (how == '?' and 'v') or 'e'
    if now_how == 'e' then redis.call('ZADD', due_set, 'XX', stored_at(value) + ttl, key) end
    evidence.write_copy(key, now_how, stored, handed, recipient, true)
  end)
  return 'gap\0' .. next_cursor
end

-- A session confirmed a message of a sender's that was stored at `later`. What went to it before, and is not confirmed, is due
-- at `due`; once, since a client may drop a copy that it knows without confirming it. When the confirmed one was stored after
-- a second copy had been handed over, nothing more is sent: that copy came before it. What may have gone to other sessions of
-- his is due to be asked about then.
-- Reply: gap, cursor of the next page, keys of those that are to be sent again.
function availability.sequence_gap(recipient, resource, sender, later, due, cursor, ttl)
  local found = {}
  local presence, sessions = evidence.presence_of(recipient)
  local session = sessions[resource]
  if not session and presence == '?' then return gap_unseen(recipient, sender, later, cursor, ttl) end
  if not session then return 'gap\0' .. '0' end
  -- It is there, whatever it did not answer.
  redis.call('HDEL', name_of('asked', recipient), resource)
  local next_cursor = evidence.each_copy(recipient, cursor, function(key, how, stored, handed, passed)
    if not evidence.WITH_SESSION[how] or stored >= later then return end
    local had_it = evidence.may_have_had(session, handed)
    if (not had_it and how ~= 'o' and how ~= 'k') or (how == 'e' and passed) then return end
    local value = evidence.still_pending(key, recipient)
    if not value then return end
    if not had_it then
      redis.call('ZADD', due_set, 'XX', 'LT', due, key)
      return
    end
    local from = fields_of(value).sender
    local now_how, now_passed = how, passed or from == sender
    if (how == 'o' or how == 'a') and evidence.rule(evidence.GAP, presence, evidence.acknowledges(from, recipient, sessions), '1') == 'g' then
      found[#found + 1] = key
      -- Another may have had it, to which the server would send the next as well, be it there or not.
      now_how = how == 'o' and might_another_have_had(sessions, resource, handed) and 'k' or 'd'
      if now_how == 'k' then redis.call('ZADD', due_set, 'XX', 'LT', due, key) else redis.call('ZADD', due_set, 'XX', due, key) end
    elseif (how == 'g' or how == 't') and handed < later then
      now_how = 'e'
      redis.call('ZADD', due_set, 'XX', stored_at(value) + ttl, key)
    end
    if now_how ~= how or now_passed ~= passed then evidence.write_copy(key, now_how, stored, handed, recipient, now_passed) end
  end)
  return list_of('gap\0' .. next_cursor, found)
end

end
