-- Takes over from format 3 what stands beside records: copies that are out, and what senders have, a hash at a time. Records are read as
-- they are.
-- KEYS: the prefix of a shard.
-- ARGV: the present time (ms), `held` or `out`, and names without the prefix and this; all `held` come before any `out`.
-- Reply: list of nothing.
-- Complexity: O(n) for n entries of these.
--- @include "older-copies"
--- @include "replies"
times.now = tonumber(ARGV[1])
local kind = ARGV[2]

local function repack_held(sender)
  local flat = redis.call('HGETALL', name_of(kind, sender))
  for at = 1, #flat, 2 do
    local key, recipient = flat[at], match(flat[at + 1], '^%d+ (.*)$')
    if recipient then
      redis.call('HDEL', name_of('load'), sender .. ' ' .. recipient)
      older_copies.take_over(key, recipient, redis.call('HGET', name_of('out', recipient), key), flat[at + 1], sender, true)
    end
  end
end

local function repack_out(recipient)
  local flat = redis.call('HGETALL', name_of(kind, recipient))
  for at = 1, #flat, 2 do
    if not copies.get(flat[at], recipient) then older_copies.take_over(flat[at], recipient, flat[at + 1]) end
  end
end

for position = 3, #ARGV do
  if kind == 'held' then repack_held(ARGV[position]) else repack_out(ARGV[position]) end
  redis.call('DEL', name_of(kind, ARGV[position]))
end
return 'list'
