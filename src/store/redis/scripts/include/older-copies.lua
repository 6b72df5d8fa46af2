--- @include "copies"
-- Entries of copies as ledgers before format 5 have them: in hashes `out` by recipient `<how><c>;<stored>;<handed>` and in hashes `held` by
-- sender `<bytes> <recipient>`; sums of conversations in `load`.
local older_copies = {}

-- Takes one over, if its record is pending. `is_summed`: what its sender has is in the sums already.
function older_copies.take_over(key, recipient, out, held, sender, is_summed)
  local how, passed, stored, handed, first = match(out or '', '^(.)(c?);(%d+);(%d+)(;?1?)$')
  local bytes = tonumber(match(held or '', '^(%d+) '))
  local head = how and head_of(key)
  if not (head and is_pending(head)) then
    if bytes and is_summed then copies.take_off(sender, bytes) end
    return
  end
  if bytes and is_summed then copies.count_held(sender, recipient, 1)
  elseif bytes then copies.count_all(sender, recipient, 1, bytes) end
  copies.put(key, recipient, {
    how = how, passed = passed == 'c', stored = tonumber(stored), handed = tonumber(handed), is_first = first == ';1',
    bytes = bytes, sender = bytes and sender,
  })
end
