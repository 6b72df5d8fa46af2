--- @include "record"
-- Records of format 1, which was written until November 2026: a head of 22 characters without a format, a body in JSON, a line
-- feed and the payload. Each is taken over into format 2 when it is read.
local legacy = {}

function legacy.is(value)
  local first = byte(value)
  -- p, d, x, u, r
  return first == 112 or first == 100 or first == 120 or first == 117 or first == 114
end

lazily(legacy, function()

function legacy.text(text)
  if type(text) ~= 'string' then return '' end
  return record.text(text)
end

function legacy.number(number) return type(number) == 'number' and string.format('%.0f', number) or '' end

-- The id that its sender gave it: the one that it goes out under, none, or another.
function legacy.sender_id(id)
  if type(id) ~= 'string' then return '' end
  return id == '' and '!' or '=' .. legacy.text(id)
end

-- The same record in format 2, or nil when it is damaged.
function legacy.taken_over(value)
  if not find(value, '^[pdxur][012b][01]%x%x%x%x%x%x%d%d%d%d%d%d%d%d%d%d%d%d%d{') then return nil end
  local payload = find(value, '\n', 23, true)
  local json = sub(value, 23, payload and payload - 1)
  -- cjson reads control characters that JSON does not allow.
  if find(json, '[%z\1-\31]') then return nil end
  local readable, body = pcall(cjson.decode, json)
  if not readable or type(body) ~= 'table' then return nil end
  for _, name in ipairs({ 's', 'r', 'w', 'd' }) do
    if type(body[name]) ~= 'string' then return nil end
  end
  local text = legacy.text
  local taken = FORMAT .. sub(value, 1, 22) .. table.concat({
    text(body.s), text(body.sr), text(body.r), text(body.rr), text(body.w), legacy.sender_id(body.i), text(body.y), text(body.a), text(body.d),
    text(body.k), text(body.n), text(body.al), text(body.t), legacy.number(body.o),
  }, FIELD)
  if body.e then
    local ending = { legacy.number(body.e), text(body.dr), text(body.c), text(body.ct), text(body.cx) }
    while #ending > 1 and ending[#ending] == '' do ending[#ending] = nil end
    taken = taken .. ENDING .. table.concat(ending, FIELD)
  end
  if payload then taken = taken .. PAYLOAD .. sub(value, payload + 1)
  elseif byte(value) == 112 then return nil end
  return taken
end

-- A member of what is left of a damaged one, by a pattern: it is no JSON any more that could be decoded. One that is escaped might
-- be cut in the middle of it, and is not used; nor is one with a character that is never written unescaped.
function legacy.salvaged(value, name) return value:match('"' .. name .. '":"([^"\\%c]*)"') end

-- Whether what is left of one names this user.
function legacy.names(value, jid)
  local text = cjson.encode(jid)
  return find(value, '"s":' .. text, 1, true) ~= nil or find(value, '"r":' .. text, 1, true) ~= nil
end
end)
