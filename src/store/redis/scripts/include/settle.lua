--- @include "quarantine"
--- @include "evidence"
--- @include "session-answers"
-- Remembers that this recipient returns receipts, and whether also to somebody who is no contact. If that is news, what
-- was sent to him while nothing was known of him goes on the normal timetable.
local function remember(sender, recipient, now, confirms_for, first_step)
  local name = confirms_name(recipient)
  local before = redis.call('GET', name)
  local to_anybody = before == '1' or not are_contacts(sender, recipient)
  redis.call('SET', name, to_anybody and '1' or 's', 'PX', confirms_for)
  if before and (before == '1' or not to_anybody) then return end
  advance.all(recipient, '?', now + first_step)
end

-- Whether a record stands in the sorted set with most of its first lease to come: then its place there serves for the
-- notice to its sender as well, and need not be changed.
--
-- `lately`: a third of a lease ago; times are compared as the texts of 13 digits that they are
local function first_lease_runs(value, lately)
  return sub(value, 5, 10) == '000001' and sub(value, 11, HEAD) > lately
end

-- A receipt: ends the oldest pending record that goes by this key as delivered, else one that had ended otherwise.
-- Returns '' when none is known, '=' when it was delivered before, else 'd' (it was pending) or 'l' (late), its key, a
-- line feed and the tombstone; of one that the asker has at hand, the letter and what follows in the tombstone's head.
local function settle(key, ending, at_hand, lately, owed_until, window)
  local found, value = oldest_pending(key)
  local code = 'd'
  -- What is to be returned must be readable.
  if found and found ~= at_hand and not is_sound(value) then
    quarantine.put_aside(found)
    found = nil
  end
  if not found then
    code = 'l'
    local all = candidates(key)
    if #all == 0 then return '' end
    for _, candidate in ipairs(all) do
      if state_of(candidate[2]) ~= 'd' then
        found, value = candidate[1], candidate[2]
        break
      end
    end
    if not found then return '=' end
    redis.call('DEL', undelivered_name(found))
  end
  local tombstone = finish(found, value, 'd', ending, window)
  call_in(found, value)
  local member = due_member(found, 'd')
  if not owes_receipt(value) then
    gather_over(member)
  elseif not (code == 'd' and first_lease_runs(value, lately)) then
    gather_due(owed_until, member)
  end
  if code == 'l' then gather_over(due_member(found, state_of(value))) end
  if found == at_hand then return code .. sub(value, 3, HEAD) end
  return code .. found .. '\n' .. tombstone
end

-- Evidence that everything up to a message of a conversation has arrived (XEP-0333 section 5.3: a marker is for it and for
-- all before it): settles that one, and what is out to its recipient from its sender and no newer; a page of these, itself
-- with the last. Returns the cursor of the next page and what `settle` does for each, the texts joined by empty lines.
local function arrived(key, ending, sender, recipient, resource, cursor, lately, owed_until, window)
  local found, value = oldest_pending(key)
  if not found then
    local known = candidates(key, -MANY)
    value = #known > 0 and known[#known][2]
    if not value then return '0' end
  end
  local limit = { stored = stored_at(value), token = first_token(fields_of(value).tokens) }
  local results = { '' }
  local function take(which)
    results[#results + 1] = settle(which, ending, '', lately, owed_until, window)
  end
  local before = {}
  local presence, sessions = presence_of(recipient)
  local answers = asked.answers_of(recipient, sessions)
  local session = sessions[resource]
  results[1] = each_out(recipient, cursor, function(other, how, stored, handed)
    -- What came back, went nowhere or may have been lost with a session has not arrived, whatever was read after it.
    if other == found or how == 'b' or how == 'x' or stored > limit.stored then return end
    if WITH_SESSION[how] and presence == 'o' then
      -- Nor what can only have gone to another session than the one where it was read.
      if not outlived(sessions, handed, answers) or (session and not may_have_had(session, handed)) then return end
    end
    local other_value = still_pending(other, recipient)
    local fields = other_value and fields_of(other_value)
    local entry = { key = other, stored = stored, token = fields and first_token(fields.tokens) or '' }
    if fields and fields.sender == sender and comes_before(entry, limit) then before[#before + 1] = entry end
  end)
  table.sort(before, comes_before)
  for _, entry in ipairs(before) do take(entry.key) end
  if found and results[1] == '0' then take(found) end
  return table.concat(results, '\n\n')
end
