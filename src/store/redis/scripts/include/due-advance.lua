--- @include "stored-records"
--- @include "copies"
-- Brings the due times of copies that are out to a recipient forward, never back: step by step, as there may be a hundred
-- thousand. What a step leaves is done by the next sweeps.
-- <prefix>:advance HASH: '<recipient> <letters>' -> '<due ms> <cursor>'.
local advance = {}
lazily(advance, function()
advance.COUNT, advance.PAGES = 100, 5
-- Those that the clock brings when nobody hears of his presence any more: all but n and e. And of one who was never seen to
-- confirm anything those that have certainly not arrived.
advance.ALL, advance.MISSED = 'oakdTgtsxb?v', 'xb'

-- Those that went as one of `letters` says (see track_copy) are due at `due`, or at the end of their life. Returns the cursor
-- of what is left, '0' when that is nothing.
function advance.step(recipient, letters, due, cursor)
  for _ = 1, advance.PAGES do
    cursor = copies.each(recipient, cursor, advance.COUNT, function(key, copy)
      if find(letters, copy.how, 1, true) then
        redis.call('ZADD', due_set, 'XX', 'LT', math.min(due, copy.stored + times.ttl), key)
      end
    end)
    if cursor == '0' then break end
  end
  return cursor
end

function advance.all(recipient, letters, due)
  local left = advance.step(recipient, letters, due, '0')
  if left ~= '0' then on_own('HSET', name_of('advance'), recipient .. ' ' .. letters, string.format('%.0f', due) .. ' ' .. left) end
end

-- Goes on with one of those that were begun.
function advance.go_on()
  local field = on_own('HRANDFIELD', name_of('advance'), 1)[1]
  if not field then return end
  local recipient, letters = field:match('^(.*) (%S+)$')
  local due, cursor = redis.call('HGET', name_of('advance'), field):match('^(%d+) (%d+)$')
  local left = recipient and due and advance.step(recipient, letters, tonumber(due), cursor) or '0'
  if left == '0' then redis.call('HDEL', name_of('advance'), field)
  else redis.call('HSET', name_of('advance'), field, due .. ' ' .. left) end
end
end)
