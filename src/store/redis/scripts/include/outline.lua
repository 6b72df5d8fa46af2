--- @include "stored-records"
-- Records without their payloads, for what reads many at a time: a payload may have 250 KB, and what copies fifty of those
-- holds up Redis for 50 ms.
-- One table, as a script may have no more than 200 locals.
-- SIZES: bytes in which the head, the fields and the ending of a record have room: of nearly every one, and of one whose ids
-- and attributes are as long as may be.
local outline = { SIZES = { 2048, 65536 } }

-- The beginning of what stands in Redis under that name, if it has all but the payload; else nil.
function outline.beginning(name)
  for _, size in ipairs(outline.SIZES) do
    local value = redis.pcall('GETRANGE', name, 0, size - 1)
    if type(value) ~= 'string' or legacy.is(value) then return nil end
    if #value < size or find(value, PAYLOAD, HEAD + 1, true) then return value end
  end
  return nil
end

-- A sound record by its key, without its payload; else what `read_whole` gives, without its payload.
function outline.of(key, read_whole)
  local value = outline.beginning(record_name(key))
  if not is_sound(value) then value = read_whole(key) end
  return value and strip(value)
end

-- What is kept of an undelivered message, without its payload, or false.
function outline.undelivered(key)
  local value = outline.beginning(name_of('u', key))
  if value == '' then return false end
  if not is_sound(value) then value = records.undelivered(key) end
  return value and strip(value)
end
