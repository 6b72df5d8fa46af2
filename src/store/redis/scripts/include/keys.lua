--- @include "lazily"
-- The names of everything that the ledger keeps in Redis. keys.ts makes the same names, and says what each holds.
-- KEYS are the prefixes of the shards that this call may touch. Each bears a hash tag of its own, so that all names of a shard have
-- one slot in Redis Cluster, where a call has one shard; elsewhere it has all of them.
local prefix = KEYS[1]
local due_set = prefix .. ':dues'

-- One table, as a script may have no more than 200 locals. `count`: how many shards the ledger has; `current`: which of KEYS all names
-- are of at the moment.
local shards = { count = #KEYS, current = 1 }

function shards.use(position)
  shards.current = position
  prefix = KEYS[position]
  due_set = prefix .. ':dues'
end

-- Those that most calls need.
local function record_name(key) return prefix .. '.' .. key end
local function index_name(key) return prefix .. ':i:' .. key end

-- All others, by their kind and what they are of. One function: Redis makes each anew at every call (25 more would take 4 us).
--   of a message's key   c (corrections) life q (quarantined) u (undelivered)
--   of a number          d (delivered)
--   of a bare JID        sub asked confirms copies from holds sessions
--   of an id or a token  session done
--   of two, with a NUL between them    probed hidden
--   of a hash and a version, with a colon between them    caps
--   of nothing           ages advance alive asking clock connected damaged damaged:new delivered ended identity iq iq:by iq:due load mark
--                        paused rehearsal restored
--                        subs
local function name_of(kind, id)
  if id then return prefix .. ':' .. kind .. ':' .. id end
  return prefix .. ':' .. kind
end
