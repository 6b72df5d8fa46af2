-- What is known from asking a user's sessions whether they are there (XEP-0199), by resource: when (ms) each was asked last,
-- and `state`: a it answered, s it did not, ? its time is not over. Nothing of one that has come anew or was heard of since.
local function answers_of(user, sessions)
  local flat = redis.call('HGETALL', asked_name(user))
  local answers = {}
  for i = 1, #flat, 2 do
    local since, asked, state = flat[i + 1]:match('^(%d+);(%d+);(.)$')
    local session = sessions[flat[i]]
    asked = tonumber(asked)
    if session and session.since == tonumber(since) and not (state == 's' and session.heard > asked) then
      answers[flat[i]] = { asked = asked, state = state }
    end
  end
  return answers
end

local function is_silent(answers, resource)
  return answers ~= nil and answers[resource] ~= nil and answers[resource].state == 's'
end

-- Whether any session lives that did so when a copy was handed over, and is not silent.
local function outlived(sessions, handed, answers)
  for resource, session in pairs(sessions) do
    if may_have_had(session, handed) and not is_silent(answers, resource) then return true end
  end
  return false
end

-- The session that is most surely there: the last to have answered, else the last to have come. Whether another is silent.
local function surest(sessions, answers)
  local best, best_at, silent = '', -1, false
  for resource, session in pairs(sessions) do
    local answer = answers[resource]
    if is_silent(answers, resource) then silent = true
    else
      local at = math.max(session.since, answer and answer.state == 'a' and answer.asked or 0)
      if at > best_at then best, best_at = resource, at end
    end
  end
  return best, silent
end
