-- What is done with the content of an older copy of the ledger that was restored. Until an operator gives his word, nothing of it is sent
-- again, and no sender is told; when MESSAGE_TTL has passed without one, it takes its ordinary course, which is its end.
-- <prefix>:restored STRING, for so long: '<time ms: what was stored until then is of the copy> <messages pending then> <word>'.
-- KEYS: prefixes of shards of one server, see include/keys.lua.
-- ARGV: the word: h, it is held back from now on; e, it ends; s, it is sent; and the message TTL (ms).
-- Reply: done.
-- Complexity: O(m) for m minutes in which something pending was stored.
--- @include "stored-records"
--- @include "clock"
local word, ttl = ARGV[1], tonumber(ARGV[2])
-- Other processes find the same a moment later: what was stored since is not of the copy.
local SAME = 60000
local now = ledger_time('::')

for position = 1, #KEYS do
  shards.use(position)
  local name = name_of('restored')
  local before = redis.call('GET', name)
  local upto = before and tonumber(before:match('^%d+'))
  if word == 's' then
    redis.call('DEL', name)
  elseif word == 'e' then
    if before then redis.call('SET', name, (before:gsub('%l$', 'e')), 'KEEPTTL') end
  elseif not upto or now - upto > SAME then
    local pending = 0
    for _, count in ipairs(redis.call('HVALS', name_of('ages'))) do pending = pending + tonumber(count) end
    redis.call('SET', name, string.format('%.0f %d h', now, pending), 'PX', ttl)
  end
end
return 'done'
