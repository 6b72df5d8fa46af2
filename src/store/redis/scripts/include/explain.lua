--- @include "evidence"
-- For the log: the row of the redelivery rules that a message stands in. Changes nothing.
-- Reply: none, when there is no such record; explained: presence, acknowledges and copy (one letter each, as `evidence.rule` takes them),
-- when it is due (ms) or '', and the record without its payload.
local function explain(key)
  local value = peek(key)
  if not value then return 'none' end
  local fields = fields_of(value)
  local presence, sessions = evidence.presence_of(fields.recipient)
  local due = redis.call('ZSCORE', due_set, key)
  return list_of('explained', {
    presence, evidence.acknowledges(fields.sender, fields.recipient, sessions), record.copy_of(value), due and string.format('%.0f', due) or '', strip(value),
  })
end
