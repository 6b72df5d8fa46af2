--- @include "quota"
--- @include "accept"
-- Whether a message may be stored, by what its sender has in the ledger: see quota.lua.

-- Whether `accept` would answer from what is known, and store nothing: that it does whatever its sender may have.
function quota.knows(key, value, countable)
  local first = read(key)
  if not first then return false end
  local stored = fields_of(value)
  local digest, token = stored.digest, stored.tokens
  for _, name in ipairs({ key, key .. '-' .. digest, duplicates.marked(key, token) }) do
    local known = name == key and first or read(name)
    if known and first_token(fields_of(known).tokens) == token then return true end
  end
  local newest_key, newest = duplicates.newest_of(key, first)
  return duplicates.has_digest(newest, digest) and (not countable or duplicates.is_resend(newest_key, newest, value))
end

-- `refuse`: why it may not in any case, or ''.
-- Returns how much of his share is taken, in percent, and why it may not, or ''.
function quota.check(key, value, countable, sender, recipient, limits, refuse)
  local taken, which = quota.used(sender, recipient, limits)
  quota.verify(sender, taken >= 100 and 20 or 2)
  if refuse == '' and taken >= 100 then refuse = which end
  if refuse ~= '' and quota.knows(key, value, countable) then refuse = '' end
  return taken, refuse
end
