--- @include "record"
-- Keys of messages as ledgers before format 6 have them, with 120 bits of a digest: now their first 72 are all. A key of another message
-- of the same id has 17 characters more, a member of the sorted set perhaps a letter.
-- One table, as a script may have no more than 200 locals.
local older_keys = { LENGTH = 22 }

function older_keys.is(text)
  local more = #text - older_keys.LENGTH
  return more == 0 or more == 1 or more == DIGEST + 1 or more == DIGEST + 2
end

function older_keys.shortened(text)
  if not older_keys.is(text) then return text end
  return sub(text, 1, KEY) .. sub(text, older_keys.LENGTH + 1)
end

-- The key in a member of the sorted set, which may have a letter behind it.
function older_keys.key_of(member)
  local more = #member - older_keys.LENGTH
  return (more == 1 or more == DIGEST + 2) and sub(member, 1, -2) or member
end
