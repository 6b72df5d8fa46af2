-- Shows records, and changes nothing.
-- KEYS: the prefix of all names.
-- ARGV: whether to show all that go by a key or only the one of that name ('1' or '0'), and keys.
-- Reply: `found` for each record: its own key, when (ms) it is due or '', whether its sender gets its recipient's presence, whether
-- a copy is kept of what was not delivered, and itself (or, where it is no more, that copy), without the payload.
-- Complexity: O(n) for n keys, each with up to 100 records.
--- @include "outline"
local results = {}

local function show(key, value)
  local letter = outline.undelivered(key)
  if not value and not letter then return end
  local fields = fields_of(value or letter)
  local sees = redis.call('HGET', name_of('sub', fields.recipient), fields.sender) == 's'
  results[#results + 1] = table.concat({
    'found', key, redis.call('ZSCORE', due_set, key) or '', sees and '1' or '0', letter and '1' or '0', value or letter,
  }, '\0')
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
