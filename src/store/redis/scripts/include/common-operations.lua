--- @include "delivered"
-- Operations of nearly every call.

-- What comes next is for another shard.
local function begin_shard(position)
  if not KEYS[position or 0] then error('unknown shard') end
  flush_all()
  batch_shard = position
  shards.use(position)
  return 'done'
end

-- Returns the operation's result and how many of ARGV it takes; nothing when it is not one of these.
local function run_common(operation, place)
  if operation == 'shard' then return begin_shard(tonumber(ARGV[place + 1])), 2 end
  if operation ~= 'notified' then return nil end
  -- Senders that have been told: how many, and a member of the sorted set each.
  local count = tonumber(ARGV[place + 1])
  call('ZREM', due_set, unpack(ARGV, place + 2, place + 1 + count))
  for position = place + 2, place + 1 + count do
    local member = ARGV[position]
    -- Those that were delivered: the others have a letter behind their key.
    if #member == KEY or #member == KEY + DIGEST + 1 then gather_told(member) end
  end
  return 'done', 2 + count
end
