-- Shows records, and changes nothing.
-- KEYS: the prefix of all names.
-- ARGV: whether to show all that go by a key or only the one of that name ('1' or '0'), and keys.
-- Reply: for each record its own key, itself and its undelivered copy (both without the payload, or ''), the time that it is
-- due (ms, or ''), and '1' when its sender gets its recipient's presence, else ''.
-- Complexity: O(n) for n keys, each with up to 100 records.
--- @include "outline"
local results = {}

local function show(key, value)
  local letter = outline.undelivered(key)
  if not value and not letter then return end
  results[#results + 1] = key
  results[#results + 1] = value or ''
  results[#results + 1] = letter or ''
  results[#results + 1] = redis.call('ZSCORE', due_set, key) or ''
  local fields = fields_of(value or letter)
  results[#results + 1] = redis.call('HGET', name_of('sub', fields.recipient), fields.sender) == 's' and '1' or ''
end

for position = 2, #ARGV do
  local key = ARGV[position]
  local value = outline.of(key, peek)
  show(key, value)
  if ARGV[1] == '1' then
    for _, other in ipairs(redis.call('LRANGE', index_name(key), -MANY, -1)) do
      show(other, outline.of(other, peek))
    end
  end
end
return results
