--- @include "presence"
-- Requests between users that wait for their reply (RFC 6120 section 8.2.3), by the id that we gave them. A value begins
-- with a letter: 'w' waits; 'a' was answered, and by which response follows, with a line feed; 't' was over its time, and
-- its requester is being told. The rest is JSON: b requester's bare JID, a whom he asked, s who may answer instead, p the address
-- that the answer must come to.
-- One table, as a script may have no more than 200 locals.
local iq = {}
do
-- All of one name: those of no user lie in one shard.
local requests, deadlines, counts = KEYS[1] .. ':iq', KEYS[1] .. ':iq:due', KEYS[1] .. ':iq:by'

function iq.count_requester(requester, change)
  if redis.call('HINCRBY', counts, requester, change) <= 0 then redis.call('HDEL', counts, requester) end
end

-- Reply: recorded; full: too many wait, of all or of this requester.
function iq.record(id, requester, value, deadline, most, most_each)
  if redis.call('HEXISTS', requests, id) == 1 then return 'recorded' end
  local waiting = tonumber(redis.call('HGET', counts, requester) or 0)
  if waiting >= most_each or redis.call('ZCARD', deadlines) >= most then return 'full' end
  redis.call('HSET', requests, id, 'w' .. value)
  redis.call('ZADD', deadlines, deadline, id)
  iq.count_requester(requester, 1)
  return 'recorded'
end

-- Takes a response. Reply: late, when nobody waits for it; forged, when it comes from or to somebody else; answers, request. That
-- it was taken is kept until `forget_at`: a call whose reply was lost is made again, and must find the same.
function iq.take_response(id, reply, from, to, forget_at)
  local value = redis.call('HGET', requests, id)
  if not value then return 'late' end
  local state, rest = value:sub(1, 1), value:sub(2)
  if state == 'a' then
    local ends = rest:find('\n', 1, true)
    return rest:sub(1, ends - 1) == reply and 'answers\0' .. rest:sub(ends + 1) or 'late'
  end
  if state ~= 'w' then return 'late' end
  local request = cjson.decode(rest)
  if (request.a ~= from and request.s ~= from) or request.p ~= to then return 'forged' end
  redis.call('HSET', requests, id, 'a' .. reply .. '\n' .. rest)
  redis.call('ZADD', deadlines, forget_at, id)
  iq.count_requester(request.b, -1)
  return 'answers\0' .. rest
end

-- Those whose time is over, up to `limit`. Each is given to nobody else until `lease_until`, and stays until it is forgotten, so
-- that its requester is told though its process dies. Reply: list of ids and requests.
function iq.overdue(now, lease_until, limit)
  local taken = {}
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', deadlines, '-inf', now, 'LIMIT', 0, limit)) do
    local value = redis.call('HGET', requests, id)
    local state = value and value:sub(1, 1)
    if state then
      -- What was taken and is still here was not passed on: whoever took it has ended, or was late.
      local rest = state == 'a' and value:sub(value:find('\n', 1, true) + 1) or value:sub(2)
      if state == 'w' then iq.count_requester(cjson.decode(rest).b, -1) end
      redis.call('HSET', requests, id, 't' .. rest)
      redis.call('ZADD', deadlines, lease_until, id)
      taken[#taken + 1] = id
      taken[#taken + 1] = rest
    else
      redis.call('ZREM', deadlines, id)
    end
  end
  return list_of('list', taken)
end

-- Ends one to an account for which nobody answers. Its requester is being told from now on, as with those whose time is over.
-- Reply: ended, request; moot, when it waits no more, or when the account is known to exist, by those who get its presence: not
-- by a session, or the time would tell who is there.
function iq.end_request(id, account, lease_until)
  local value = redis.call('HGET', requests, id)
  if not value or value:sub(1, 1) ~= 'w' then return 'moot' end
  -- Empty where somebody has looked in its shard.
  if account ~= '' and shards.visit(shards.of_user(account), presence.has_subscriber, account) then return 'moot' end
  local rest = value:sub(2)
  iq.count_requester(cjson.decode(rest).b, -1)
  redis.call('HSET', requests, id, 't' .. rest)
  redis.call('ZADD', deadlines, lease_until, id)
  return 'ended\0' .. rest
end

function iq.forget(id)
  local value = redis.call('HGET', requests, id)
  if value and value:sub(1, 1) == 'w' then iq.count_requester(cjson.decode(value:sub(2)).b, -1) end
  redis.call('HDEL', requests, id)
  redis.call('ZREM', deadlines, id)
  return 'done'
end

-- What is known of a client's capabilities (XEP-0115). Reply: known, y or n; unknown.
function iq.known_capabilities(hash, ver)
  local known = redis.call('GET', name_of('caps', hash .. ':' .. ver))
  return known and 'known\0' .. known or 'unknown'
end

-- What is kept for longer stays so.
function iq.record_capabilities(hash, ver, known, keep)
  local name = name_of('caps', hash .. ':' .. ver)
  if redis.call('PTTL', name) < tonumber(keep) then redis.call('SET', name, known, 'PX', keep) end
  return 'done'
end

end
