--- @include "keys"
-- Where somebody's things lie, as xmpp/stanza/partition.ts says it: in Redis Cluster most are out of a call's reach.

lazily(shards, function()

-- FNV-1a with 32 bits. A number of Lua has 53, so the factor 2^24 + 403 is taken apart.
function shards.partition_of(jid)
  if not jid:find('@', 1, true) then return 0 end
  local hash = 0x811c9dc5
  for at = 1, #jid do
    hash = bit.bxor(hash, jid:byte(at)) % 4294967296
    hash = (hash * 403 + (hash % 256) * 16777216) % 4294967296
  end
  return bit.band(bit.bxor(hash, bit.rshift(hash, 12), bit.rshift(hash, 24)), 4095)
end

-- The shard of a partition as a position in KEYS, or nil when it is out of reach.
local function position_of(partition)
  if #KEYS < shards.count then return nil end
  return partition % shards.count + 1
end

function shards.of_user(jid)
  if shards.count == 1 then return 1 end
  return position_of(shards.partition_of(jid))
end

-- Of a message's key, whose first two characters are the partition in base64url.
function shards.of_key(key)
  if shards.count == 1 then return 1 end
  local digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  local high, low = digits:find(key:sub(1, 1), 1, true), digits:find(key:sub(2, 2), 1, true)
  return position_of(((high or 1) - 1) * 64 + (low or 1) - 1)
end

-- What `look` says of a shard. Nothing when that is out of reach.
function shards.visit(position, look, ...)
  if not position then return nil end
  local current = shards.current
  shards.use(position)
  local one, other = look(...)
  shards.use(current)
  return one, other
end
end)
