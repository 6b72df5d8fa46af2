--- @include "presence"
-- Requests between users that wait for their reply (RFC 6120 section 8.2.3), by the id that we gave them. A value begins
-- with a letter: 'w' waits; 'a' was answered, and by which reply follows, with a line feed; 't' was over its time, and
-- its asker is being told. The rest is JSON: b asker's bare JID, a whom he asked, s who may answer instead, p the address
-- that the answer must come to.
-- One table, as a script may have no more than 200 locals.
local query = {}
do
local questions = name_of('iq')
local question_times = name_of('iq:due')
local question_counts = name_of('iq:by')

function query.count_asker(asker, change)
  if redis.call('HINCRBY', question_counts, asker, change) <= 0 then redis.call('HDEL', question_counts, asker) end
end

-- Reply: recorded; full: too many wait, of all or of this requester.
function query.note_question(id, asker, value, deadline, most, most_each)
  if redis.call('HEXISTS', questions, id) == 1 then return 'recorded' end
  local his = tonumber(redis.call('HGET', question_counts, asker) or 0)
  if his >= most_each or redis.call('ZCARD', question_times) >= most then return 'full' end
  redis.call('HSET', questions, id, 'w' .. value)
  redis.call('ZADD', question_times, deadline, id)
  query.count_asker(asker, 1)
  return 'recorded'
end

-- Takes a response. Reply: late, when nobody waits for it; forged, when it comes from or to somebody else; answers, request. That
-- it was taken is kept until `forget_at`: a call whose reply was lost is made again, and must find the same.
function query.take_reply(id, reply, from, to, forget_at)
  local value = redis.call('HGET', questions, id)
  if not value then return 'late' end
  local state, rest = value:sub(1, 1), value:sub(2)
  if state == 'a' then
    local ends = rest:find('\n', 1, true)
    return rest:sub(1, ends - 1) == reply and 'answers\0' .. rest:sub(ends + 1) or 'late'
  end
  if state ~= 'w' then return 'late' end
  local question = cjson.decode(rest)
  if (question.a ~= from and question.s ~= from) or question.p ~= to then return 'forged' end
  redis.call('HSET', questions, id, 'a' .. reply .. '\n' .. rest)
  redis.call('ZADD', question_times, forget_at, id)
  query.count_asker(question.b, -1)
  return 'answers\0' .. rest
end

-- Those whose time is over, up to `limit`. Each is given to nobody else until `lease_until`, and stays until it is forgotten, so
-- that its requester is told though its process dies. Reply: list of ids and requests.
function query.overdue_questions(now, lease_until, limit)
  local taken = {}
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', question_times, '-inf', now, 'LIMIT', 0, limit)) do
    local value = redis.call('HGET', questions, id)
    local state = value and value:sub(1, 1)
    if state then
      -- What was taken and is still here was not passed on: whoever took it has ended, or was late.
      local rest = state == 'a' and value:sub(value:find('\n', 1, true) + 1) or value:sub(2)
      if state == 'w' then query.count_asker(cjson.decode(rest).b, -1) end
      redis.call('HSET', questions, id, 't' .. rest)
      redis.call('ZADD', question_times, lease_until, id)
      taken[#taken + 1] = id
      taken[#taken + 1] = rest
    else
      redis.call('ZREM', question_times, id)
    end
  end
  return list_of('list', taken)
end

-- Ends one to an account for which nobody answers. Its requester is being told from now on, as with those whose time is over.
-- Reply: ended, request; moot, when it waits no more, or when the account is known to exist, by those who get its presence: not
-- by a session, or the time would tell who is there.
function query.end_question(id, account, lease_until)
  local value = redis.call('HGET', questions, id)
  if not value or value:sub(1, 1) ~= 'w' then return 'moot' end
  if presence.has_subscriber(account) then return 'moot' end
  local rest = value:sub(2)
  query.count_asker(cjson.decode(rest).b, -1)
  redis.call('HSET', questions, id, 't' .. rest)
  redis.call('ZADD', question_times, lease_until, id)
  return 'ended\0' .. rest
end

function query.forget_question(id)
  local value = redis.call('HGET', questions, id)
  if value and value:sub(1, 1) == 'w' then query.count_asker(cjson.decode(value:sub(2)).b, -1) end
  redis.call('HDEL', questions, id)
  redis.call('ZREM', question_times, id)
  return 'done'
end

-- What is known of a client's capabilities (XEP-0115). Reply: known, y or n; unknown.
function query.caps_of(hash, ver)
  local known = redis.call('GET', name_of('caps', hash .. ':' .. ver))
  return known and 'known\0' .. known or 'unknown'
end

-- What is kept for longer stays so.
function query.note_caps(hash, ver, known, keep)
  local name = name_of('caps', hash .. ':' .. ver)
  if redis.call('PTTL', name) < tonumber(keep) then redis.call('SET', name, known, 'PX', keep) end
  return 'done'
end

end
