--- @include "corrections"
--- @include "accept"
--- @include "settle"
-- Messages about messages: corrections and retractions (see corrections.lua), replies and reactions.

-- As `accept`, of a message that corrects or retracts the newest one of the key `target`.
-- Reply: correction, key that it was stored under, key of the message in question; or accept's `known`.
function corrections.accept(key, alias, target, value, due, window, countable)
  local first = read(target)
  local meant, known = duplicates.newest_of(target, first)
  local target_of_known = known and fields_of(known).target or ''
  if target_of_known ~= '' then meant = target_of_known end
  local result = accept(key, alias, record.with(value, { target = meant }), due, window, countable)
  if find(result, '^known') then return result end
  local stored_as = match(result, '^stored%-as%z(.*)$') or key
  -- What a repetition finds was stored for what the target was then: another message may have its id by now.
  meant = fields_of(read(stored_as)).target
  local name = name_of('c', meant)
  -- A repetition after a lost reply stays where it was: a later one may have come since.
  for _, other in ipairs(redis.call('LRANGE', name, 0, -1)) do
    if other == stored_as then return 'correction\0' .. stored_as .. '\0' .. meant end
  end
  redis.call('RPUSH', name, stored_as)
  redis.call('LTRIM', name, -MANY, -1)
  redis.call('PEXPIRE', name, window)
  return 'correction\0' .. stored_as .. '\0' .. meant
end

-- One was delivered: ends what is older.
function corrections.supersede(key)
  local value = read(key)
  local target = value and fields_of(value).target or ''
  if target == '' then return 'done' end
  local older = {}
  for _, other in ipairs(redis.call('LRANGE', name_of('c', target), -MANY, -1)) do
    if other == key then
      for _, one in ipairs(older) do
        local outdated = read(one)
        if outdated and is_pending(outdated) then corrections.end_outdated(one, outdated) end
      end
      return 'done'
    end
    older[#older + 1] = other
  end
  -- It is older than all of those that are remembered.
  return 'done'
end

function corrections.is_known_here(key) return #records.candidates(key) > 0 or delivered.digest_of(key) ~= nil end

function corrections.is_known(key) return shards.visit(shards.of_key(key), corrections.is_known_here, key) end

-- As `settling.settle`, for what speaks of a message (a reply, a reaction) and does not say whose it is: not if its author has a message
-- of his own that goes by `own`. That counts as settled before.
function corrections.mentioned(key, ending, own, lately, owed_until, window)
  -- It is not the record that this may be of alone.
  local alone = only
  only = false
  -- Empty where somebody has looked in its shard.
  local is_own = own ~= '' and corrections.is_known(own)
  only = alone
  if is_own then return 'repeated' end
  return settling.settle(key, ending, '', lately, owed_until, window)
end
