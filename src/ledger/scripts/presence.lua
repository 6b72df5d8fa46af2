-- Who watches whom, and which sessions are known.
-- sub:<watched> HASH: watcher -> 's' (subscribed) or 'p<ms>' (asked then). subs SET: all watched.
-- sessions:<user> HASH: resource -> '<since ms>;<y|n|u>;<last heard ms, 0 or 1 while a probe awaits its answer>;<caps>'; the
-- empty field while his presence is known. alive ZSET: processes whose link is up, by when they last said so.
-- One table, as a script may have no more than 200 locals.
local presence = {}

local function sub_name(watched) return prefix .. ':sub:' .. watched end

function presence.put(watched, watcher, value)
  redis.call('HSET', sub_name(watched), watcher, value)
  redis.call('SADD', prefix .. ':subs', watched)
end

function presence.is_watched(user)
  for _, value in ipairs(redis.call('HVALS', sub_name(user))) do
    if value == 's' then return true end
  end
  return false
end

function presence.drop(watched, watcher)
  redis.call('HDEL', sub_name(watched), watcher)
  if redis.call('EXISTS', sub_name(watched)) == 0 then redis.call('SREM', prefix .. ':subs', watched) end
  -- Of whom nobody is told any more, nothing is known: what waited for his presence is the clock's from now on.
  if presence.is_watched(watched) or redis.call('DEL', sessions_name(watched)) == 0 then return end
  local confirms = redis.call('GET', confirms_name(watched)) == '1'
  local due = times.now + times.first_step
  advance.all(watched, confirms and 'xbogs?' or 'xb', due)
end

-- What a stanza has brought about is kept for a minute by its `token`, where a repeated call could not see it any more.
function presence.done_by(token) return redis.call('GET', prefix .. ':done:' .. token) end

function presence.note(token, what) redis.call('SET', prefix .. ':done:' .. token, what, 'PX', 60000) end

-- A subscription's step. `nexts` has a letter for each standing (none, asked, asked long ago, subscribed): the one to take
-- (n, p, s) or = to stay.
-- Returns the letter of the standing before: n, a, o, s.
function presence.step(watched, watcher, now, long_ago, token, nexts)
  local before = presence.done_by(token)
  if before then return before end
  local value = redis.call('HGET', sub_name(watched), watcher)
  local place = 1
  if value == 's' then
    place = 4
  elseif value then
    place = tonumber(now) - tonumber(value:sub(2)) < tonumber(long_ago) and 2 or 3
  end
  local standing, next = ('naos'):sub(place, place), nexts:sub(place, place)
  if next == '=' then return standing end
  if next == 'n' then
    presence.drop(watched, watcher)
  else
    presence.put(watched, watcher, next == 'p' and 'p' .. now or 's')
  end
  -- The watcher's server probes when he is let in, which says nothing of his session.
  if next == 's' then redis.call('SET', prefix .. ':granted:' .. watcher, '1', 'PX', 10000) end
  presence.note(token, standing)
  return standing
end

-- Takes back a request whose sender was told that it could not be stored.
function presence.withdraw(watched, watcher, asked)
  if redis.call('HGET', sub_name(watched), watcher) == 'p' .. asked then presence.drop(watched, watcher) end
  return ''
end

-- Presence of a user that came to a watcher. `own` is the component's domain when it came to that: presence that somebody
-- who watches us sends us counts from the first on.
-- Returns '' when we do not get his broadcasts, else what has happened: B (a session began), U (it was updated), H (it was
-- updated, for the first time since nobody heard what it did), E (ended),
-- or -; then c to look at its capabilities and p when his server is to be asked whether we get all; then, for E, which.
function presence.see(user, watcher, resource, available, now, caps, own, token)
  local flags = ''
  if redis.call('HGET', sub_name(user), watcher) ~= 's' then
    if own == '' or redis.call('HGET', sub_name(own), user) ~= 's' then return '' end
    presence.put(user, own, 's')
    flags = 'p'
  end
  local name = sessions_name(user)
  redis.call('HSETNX', name, '', now)
  if available == '1' then
    if resource == '' then return '-' .. flags end
    local value = redis.call('HGET', name, resource)
    if not value then
      redis.call('HSET', name, resource, now .. ';u;' .. now .. ';' .. caps)
      presence.note(token, 'B')
      return 'Bc' .. flags
    end
    local since, receipts, heard, old_caps = value:match('^(%d+);(%a);?(%d*);?(.*)$')
    local before = (since == now or heard == now) and presence.done_by(token)
    local began = before == 'B'
    -- It may have been another meanwhile: nobody could hear of it.
    local returned = before == 'H' or heard == '0'
    if returned then presence.note(token, 'H') end
    heard = tonumber(heard) or 0
    -- Each watcher is sent the same: one word of it is enough.
    local what = (began and 'B') or (returned and 'H') or (tonumber(now) - heard > 1000 and 'U') or '-'
    -- Without any they are those of before: a server may leave out what is unchanged (XEP-0115 section 8.4).
    if caps ~= '' and caps ~= old_caps then
      receipts = 'u'
      flags = 'c' .. flags
    else
      caps = old_caps
      -- Who was to find out may be gone.
      if began or (receipts == 'u' and tonumber(now) - heard > 60000) then flags = 'c' .. flags end
    end
    redis.call('HSET', name, resource, since .. ';' .. receipts .. ';' .. now .. ';' .. caps)
    return what .. flags
  end
  local ended = {}
  for _, field in ipairs(resource == '' and redis.call('HKEYS', name) or { resource }) do
    if field ~= '' and redis.call('HDEL', name, field) == 1 then ended[#ended + 1] = field end
  end
  if #ended == 0 then return '-' .. flags end
  return 'E' .. flags .. '\0' .. table.concat(ended, '\0')
end

-- Somebody logs in on a resource that has a session: it is another one from now on. Returns R if so, else ''.
function presence.renew(user, resource, now, older, token)
  local name = sessions_name(user)
  local value = redis.call('HGET', name, resource)
  if not value then return '' end
  local since, rest = value:match('^(%d+)(.*)$')
  if since == now then return presence.done_by(token) or '' end
  if tonumber(now) - tonumber(since) < tonumber(older) then return '' end
  if redis.call('EXISTS', prefix .. ':granted:' .. user) == 1 then return '' end
  redis.call('HSET', name, resource, now .. rest)
  presence.note(token, 'R')
  return 'R'
end

-- Notes whether a session returns receipts, if it still has the capabilities that were looked at.
function presence.receipts(user, resource, caps, answer)
  local name = sessions_name(user)
  local value = redis.call('HGET', name, resource)
  if not value then return '' end
  local since, heard, now_caps = value:match('^(%d+);%a;?(%d*);?(.*)$')
  if caps ~= '' and caps ~= now_caps then return '' end
  redis.call('HSET', name, resource, since .. ';' .. answer .. ';' .. heard .. ';' .. now_caps)
  return ''
end

-- Writes when a session was heard of last: 0 when nobody could hear of it, 1 when it was asked after only.
function presence.set_heard(name, field, heard)
  local since, receipts, caps = redis.call('HGET', name, field):match('^(%d+);(%a);?%d*;?(.*)$')
  redis.call('HSET', name, field, since .. ';' .. receipts .. ';' .. heard .. ';' .. caps)
end

-- Their presence is not known until it is heard of again.
function presence.unknown(...)
  for _, user in ipairs({ ... }) do
    local name = sessions_name(user)
    redis.call('HDEL', name, '')
    for _, field in ipairs(redis.call('HKEYS', name)) do presence.set_heard(name, field, '0') end
  end
  return ''
end

-- A user is about to be probed: each of his sessions is to be heard of again. Returns his watchers.
function presence.ask(user)
  local name = sessions_name(user)
  for _, field in ipairs(redis.call('HKEYS', name)) do
    if field ~= '' and not redis.call('HGET', name, field):match('^%d+;%a;0;') then
      presence.set_heard(name, field, '1')
    end
  end
  return presence.watchers(user)
end

function presence.watchers(user)
  local pairs_of = redis.call('HGETALL', sub_name(user))
  local watchers = {}
  for i = 1, #pairs_of, 2 do
    if pairs_of[i + 1] == 's' then watchers[#watchers + 1] = pairs_of[i] end
  end
  return table.concat(watchers, '\0')
end

-- The time for an answer is over. What was not heard of is returned and, if this is `final`, ended; otherwise it is to be
-- asked once more. Without any his presence is known again.
function presence.judge(user, now, final)
  if not presence.is_watched(user) then return '' end
  local name = sessions_name(user)
  local unheard = {}
  for _, field in ipairs(redis.call('HKEYS', name)) do
    if field ~= '' and redis.call('HGET', name, field):match('^%d+;%a;[01];') then unheard[#unheard + 1] = field end
  end
  if #unheard > 0 and final ~= '1' then return table.concat(unheard, '\0') end
  for _, field in ipairs(unheard) do redis.call('HDEL', name, field) end
  redis.call('HSETNX', name, '', now)
  return table.concat(unheard, '\0')
end

-- This process' link is up. Returns how many others serve the domain, and how many watch the component itself.
function presence.alive(process, now, patience, own)
  local name = prefix .. ':alive'
  redis.call('ZADD', name, now, process)
  redis.call('ZREMRANGEBYSCORE', name, '-inf', tonumber(now) - tonumber(patience))
  return redis.call('ZCARD', name) - 1 .. ' ' .. redis.call('HLEN', sub_name(own))
end

-- This process' link is down. Returns how many others serve the domain.
function presence.gone(process, now, patience)
  local name = prefix .. ':alive'
  redis.call('ZREM', name, process)
  redis.call('ZREMRANGEBYSCORE', name, '-inf', tonumber(now) - tonumber(patience))
  return redis.call('ZCARD', name)
end

-- Who asks after everybody when the link is back: one process for all. Returns go, or wait while another is at it, or
-- joined when that one has only just begun.
function presence.claim(process, now, keep, recent)
  local name = prefix .. ':asking'
  local other, since = (redis.call('GET', name) or ''):match('^(%S+) (%d+)$')
  if other and other ~= process and redis.call('ZSCORE', prefix .. ':alive', other) then
    return tonumber(now) - tonumber(since) < tonumber(recent) and 'joined' or 'wait'
  end
  redis.call('SET', name, process .. ' ' .. now, 'PX', keep)
  return 'go'
end

function presence.keep_claim(process, keep)
  local name = prefix .. ':asking'
  local other = (redis.call('GET', name) or ''):match('^(%S+) ')
  if other == process then redis.call('PEXPIRE', name, keep) end
  return ''
end

function presence.release(process)
  local name = prefix .. ':asking'
  if (redis.call('GET', name) or ''):match('^(%S+) ') == process then redis.call('DEL', name) end
  return ''
end
