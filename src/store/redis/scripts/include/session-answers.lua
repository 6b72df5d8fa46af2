--- @include "evidence"
-- How long it is kept what came of
-- asking a session, ms; and how many are asked for one message at once, the others a step later.
local asked = {}
lazily(asked, function()
asked.KEPT_FOR, asked.AT_ONCE = 86400000, 50

-- What is known from asking a user's sessions whether they are there (XEP-0199), by resource: when (ms) each was asked last,
-- and `state`: a it answered, s it did not, ? its time is not over. Nothing of one that has come anew or was heard of since.
function asked.answers_of(user, sessions)
  local flat = redis.call('HGETALL', name_of('asked', user))
  local answers = {}
  for i = 1, #flat, 2 do
    local since, at, state = flat[i + 1]:match('^(%d+);(%d+);(.)$')
    local session = sessions[flat[i]]
    at = tonumber(at)
    if session and session.since == tonumber(since) and not (state == 's' and session.heard > at) then
      answers[flat[i]] = { asked = at, state = state }
    end
  end
  return answers
end

function asked.is_silent(answers, resource)
  return answers ~= nil and answers[resource] ~= nil and answers[resource].state == 's'
end

-- Whether any session lives that did so when a copy was handed over, and is not silent.
function asked.outlived(sessions, handed, answers)
  for resource, session in pairs(sessions) do
    if evidence.may_have_had(session, handed) and not asked.is_silent(answers, resource) then return true end
  end
  return false
end

-- The session that is most surely there: the last to have answered, else the last to have come; of two, the first by name.
-- Whether another is silent.
function asked.surest(sessions, answers)
  local best, best_at, silent = '', -1, false
  for resource, session in pairs(sessions) do
    local answer = answers[resource]
    if asked.is_silent(answers, resource) then silent = true
    else
      local at = math.max(session.since, answer and answer.state == 'a' and answer.asked or 0)
      if at > best_at or (at == best_at and resource < best) then best, best_at = resource, at end
    end
  end
  return best, silent
end
end)
