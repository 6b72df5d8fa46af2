--- @include "presence"
-- Subscriptions to presence (RFC 6121 section 3).

presence.STATES = { 'none', 'asked', 'askedLongAgo', 'subscribed', 'probed' }

-- What contacts' shards have noted, for subscribers of this one: it is out of reach of those. Whether they get the presence of
-- these contacts. Subscriber and contact follow each other. Reply: done.
function presence.note_subscriptions(subscribed, ...)
  local pairs_of = { ... }
  for i = 1, #pairs_of, 2 do
    local subscriber, contact = pairs_of[i], pairs_of[i + 1]
    if subscribed == '1' then redis.call('HSET', name_of('to', subscriber), contact, '1')
    else redis.call('HDEL', name_of('to', subscriber), contact) end
  end
  return 'done'
end

-- A subscription's step. `nexts` has a letter for each state in the order of STATES: the one that follows (n none, p asked, s
-- subscribed), q for none whose subscriber has probed, or = to stay.
-- Reply: the state before: none, asked, askedLongAgo, subscribed, probed.
function presence.subscription_step(contact, subscriber, now, long_ago, token, nexts)
  local before = presence.outcome_of(token)
  if before then return before end
  local value = redis.call('HGET', name_of('sub', contact), subscriber)
  local place = 1
  if value == 's' then
    place = 4
  elseif value then
    place = tonumber(now) - tonumber(value:sub(2)) < tonumber(long_ago) and 2 or 3
  elseif redis.call('GET', name_of('probed', contact .. '\0' .. subscriber)) == 'p' then
    place = 5
  end
  local state, next = presence.STATES[place], nexts:sub(place, place)
  if next == '=' then return state end
  if next == 'q' then
    redis.call('SET', name_of('probed', contact .. '\0' .. subscriber), 'p', 'PX', presence.PROBED_FOR)
    presence.remember_outcome(token, state)
    return state
  end
  redis.call('DEL', name_of('probed', contact .. '\0' .. subscriber))
  if next == 'n' then
    presence.drop(contact, subscriber)
  else
    presence.put(contact, subscriber, next == 'p' and 'p' .. now or 's')
  end
  presence.remember_outcome(token, state)
  return state
end

-- Takes back a request whose sender was told that it could not be stored. Reply: done.
function presence.withdraw_subscription(contact, subscriber, asked)
  if redis.call('HGET', name_of('sub', contact), subscriber) == 'p' .. asked then presence.drop(contact, subscriber) end
  return 'done'
end

-- Reply: list of those who get a user's presence.
function presence.subscribers_of(user)
  local pairs_of = redis.call('HGETALL', name_of('sub', user))
  local subscribers = {}
  for i = 1, #pairs_of, 2 do
    if pairs_of[i + 1] == 's' then subscribers[#subscribers + 1] = pairs_of[i] end
  end
  return list_of('list', subscribers)
end
