-- How a record is written, format 2: record-codec.ts draws it. A head of fixed width that is changed in place, fields with a
-- separator after each but the last, then how it ended, once it has, then its payload, while it is kept.
-- Fields hold no control characters (record-codec.ts escapes them), so a separator is one wherever it stands before the payload.
local FORMAT, HEAD = '2', 23
local FIELD, ENDING, PAYLOAD = '\31', '\29', '\30'
-- Characters of a message's key, and of a payload's digest.
local KEY, DIGEST = 14, 16

-- What is done for every message is written with these: each name looked up in a table costs, and each text made, too.
local call, byte, sub, find, match = redis.call, string.byte, string.sub, string.find, string.match

-- The head. All of these take a record, or its head alone.
local function state_of(value) return sub(value, 2, 2) end
local function is_pending(value) return byte(value, 2) == 112 end -- p
local function owes_receipt(value) return byte(value, 4) == 49 end -- 1
local function stored_at(value) return tonumber(sub(value, 11, HEAD)) end

local HEAD_PATTERN = '^2[pdxur][012b][01]%x%x%x%x%x%x%d%d%d%d%d%d%d%d%d%d%d%d%d'
local function has_sound_head(value) return type(value) == 'string' and find(value, HEAD_PATTERN) ~= nil end

-- The fields in their order, and where they end: sender, sender's resource, recipient, recipient's resource, wire id, sender's
-- id, type, other attributes, digest, tokens, origin-id, alias, target, first stored at.
local FIELDS = '^([^%c]*)\31([^%c]*)\31([^%c]*)\31([^%c]*)\31([^%c]*)\31([^%c]*)\31([^%c]*)\31([^%c]*)\31([^%c]*)\31([^%c]*)\31([^%c]*)\31([^%c]*)\31([^%c]*)\31([^%c]*)()'
-- The record that was read last, since most are asked for more than once, and what it says.
local last_value, last_fields

-- What a record says beside its head, all of it text; nil or false when that cannot be read. Nobody changes the table.
local function fields_of(value)
  if value == last_value then return last_fields end
  local pattern = FIELDS
  local sender, sender_resource, recipient, _, _, _, _, _, digest, tokens, _, alias, target, _, ends = match(value, pattern, HEAD + 1)
  if not sender and find(value, '\27', HEAD + 1, true) then
    -- One has a character that was escaped, which is seldom: to look for all control characters is quicker than for all but one.
    pattern = FIELDS:gsub('%%c', '%%z\1-\26\28-\31\127')
    sender, sender_resource, recipient, _, _, _, _, _, digest, tokens, _, alias, target, _, ends = match(value, pattern, HEAD + 1)
  end
  last_value = value
  last_fields = sender and {
    sender = sender, sender_resource = sender_resource, recipient = recipient, digest = digest, tokens = tokens,
    alias = alias, target = target, ends = ends,
  }
  return last_fields
end

-- Whether it is one that was written here, whole; it may have been damaged from outside.
local function is_sound(value)
  if not has_sound_head(value) then return false end
  local fields = fields_of(value)
  if not fields or fields.sender == '' or fields.recipient == '' or fields.digest == '' then return false end
  local next_byte = byte(value, fields.ends)
  if is_pending(value) then return next_byte == 30 end
  return next_byte == nil or next_byte == 29 or next_byte == 30
end

-- Without the payload.
local function strip(value)
  local payload = find(value, PAYLOAD, HEAD + 1, true)
  return payload and sub(value, 1, payload - 1) or value
end

-- What is not done for every message.
local record = {}
lazily(record, function()

-- Whether a copy may lie at the server or the client: see record-codec.ts.
function record.copy_of(value) return sub(value, 3, 3) end
function record.copies_of(value) return tonumber(sub(value, 5, 6), 16) end
function record.attempt_of(value) return tonumber(sub(value, 7, 10), 16) end

-- Names the attempt that stored a record: see accept.lua.
function record.first_token(tokens) return match(tokens, '^[^+]*') end

-- Whether a record was stored by this attempt, or known to be the same as what that had. Of very many attempts not all are named; of a
-- record of an older version none is.
function record.is_of(value, token)
  local tokens = '+' .. fields_of(value).tokens .. '+'
  return tokens == '++' or find(tokens, '+' .. token .. '+', 1, true) ~= nil or find(tokens, '+*+', 1, true) ~= nil
end

-- When it ended (ms), or 0.
function record.settled_at(value)
  return tonumber(match(value, '^\29(%d+)', fields_of(value).ends)) or 0
end

-- The record with other texts for some of its fields.
function record.with(value, changes)
  local at = { sender_resource = 2, sender_id = 6, digest = 9, tokens = 10, alias = 12, target = 13, first_stored_at = 14 }
  local ends = fields_of(value).ends
  local texts = {}
  for text in (sub(value, HEAD + 1, ends - 1) .. FIELD):gmatch('([^\31]*)\31') do texts[#texts + 1] = text end
  for name, text in pairs(changes) do texts[at[name]] = text end
  return sub(value, 1, HEAD) .. table.concat(texts, FIELD) .. sub(value, ends)
end

-- Whether an operator has sent it after all: then it says when it was first stored.
function record.is_requeued(value)
  local ends = fields_of(value).ends
  return byte(value, ends - 1) ~= 31
end

-- A text as a field has it: see record-codec.ts.
function record.text(text)
  if not find(text, '%c') then return text end
  return (text:gsub('%c', function(one) return '\27' .. string.char(bit.bxor(byte(one), 64)) end))
end

end)

-- The record as it ends in this state: without its payload, and without an earlier ending.
-- `ending` is as record-codec.ts writes it, or empty.
local function ended(value, state, ending)
  local ends = is_pending(value) and find(value, PAYLOAD, HEAD + 1, true) or fields_of(value).ends
  return FORMAT .. state .. sub(value, 3, ends - 1) .. (ending == '' and '' or ENDING .. ending)
end
