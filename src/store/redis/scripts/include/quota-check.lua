--- @include "quota"
--- @include "accept"
-- Whether a message may be stored, by what its sender has in the ledger: see quota.lua.

lazily(quota, function()
-- Whether `accept` would answer from what is known, and store nothing: that it does whatever its sender may have.
function quota.knows(key, value, countable)
  local digest_delivered = delivered.digest_of(key)
  local first = read(key)
  if first then digest_delivered = nil elseif not digest_delivered then return false end
  return (duplicates.known(key, value, countable, first or nil, digest_delivered)) ~= nil
end

-- `refuse`: why it may not in any case, or ''.
-- Returns how much of his share is taken, in percent, and why it may not, or ''.
function quota.check(key, value, countable, sender, recipient, limits, refuse)
  local taken, which = quota.used(sender, recipient, limits)
  if not quota.has_none(sender) then quota.verify(sender, taken >= 100 and 20 or 2) end
  if refuse == '' and taken >= 100 then refuse = which end
  if refuse ~= '' and quota.knows(key, value, countable) then refuse = '' end
  return taken, refuse
end
end)
