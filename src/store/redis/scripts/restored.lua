-- What is done with the content of an older copy of the ledger that was restored. Until an operator gives his word, nothing of it is sent
-- again, and no sender is told; when MESSAGE_TTL has passed without one, it takes its ordinary course, which is its end.
-- <prefix>:restored STRING, for so long: '<time ms: what was stored until then is of the copy> <messages pending then> <word>'.
-- KEYS: prefixes of shards of one server, see include/keys.lua.
-- ARGV: the word: h, it is held back from now on; e, it ends; s, it is sent; and the message TTL (ms). With h the ledger's id and a count, or
-- two empty ones: what is noted in a shard to have come so far is not of the copy.
-- Reply: done.
-- Complexity: O(m) for m minutes in which something pending was stored.
--- @include "hold-copy"
local word, ttl, id, newer = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local now = ledger_time('::')

for position = 1, #KEYS do
  shards.use(position)
  local name = name_of('restored')
  if word == 's' then
    redis.call('DEL', name)
  elseif word == 'e' then
    local before = redis.call('GET', name)
    if before then redis.call('SET', name, (before:gsub('%l$', 'e')), 'KEEPTTL') end
  else
    local count = newer and marked_count(id)
    if not count or count < newer then hold_copy(now, ttl) end
  end
end
return 'done'
