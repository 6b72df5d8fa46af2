-- Tells what became of messages, and changes nothing.
-- KEYS: the prefix of all names.
-- ARGV: '1' when it is their sender that is told, else '0'; keys.
-- Reply: for each key `found` and the newest record that goes by it, without its payload, `delivered` when no more is kept of it, or
-- `none`. A sender who does not get the
-- recipient's presence is not told how often it was sent: that shows when he comes.
-- Complexity: O(n) for n keys, each with up to 100 records.
--- @include "outline"
--- @include "delivered"
local function blurred(value)
  local fields = fields_of(value)
  if redis.call('HGET', name_of('sub', fields.recipient), fields.sender) == 's' then return value end
  return sub(value, 1, 4) .. '000001' .. sub(value, 11)
end

-- The index names the newest last; what it names may be forgotten.
local function newest(key)
  local found = outline.of(key, peek)
  local others = redis.call('LRANGE', index_name(key), -MANY, -1)
  for place = #others, 1, -1 do
    local other = outline.of(others[place], peek)
    if other then return found and stored_at(found) > stored_at(other) and found or other end
  end
  return found
end

local results = {}
for position = 2, #ARGV do
  local value = newest(ARGV[position])
  if value and ARGV[1] == '1' then value = blurred(value) end
  results[position - 1] = value and 'found\0' .. value or (delivered.digest_of(ARGV[position]) and 'delivered' or 'none')
end
return results
