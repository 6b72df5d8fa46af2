--- @include "quarantine"
--- @include "evidence"
--- @include "session-answers"
--- @include "delivered"
local settling = {}
lazily(settling, function()
-- Remembers that this recipient returns receipts, and whether also to somebody who is no contact. If that is news, what
-- was sent to him while nothing was known of him goes on the normal timetable.
function settling.remember_receipt_support(sender, recipient, now, confirms_for, first_step)
  local name = name_of('confirms', recipient)
  local before = redis.call('GET', name)
  local to_anybody = before == '1' or not evidence.are_contacts(sender, recipient)
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
-- Reply: unknown; repeated: it was delivered before; delivered (it was pending) or late, key, tombstone; of one that the caller has
-- at hand: delivered-at-hand or late-at-hand, how many copies and attempts (6 hex digits, as in a record's head).
--
-- `is_told`: its sender is owed nothing.
function settling.settle(key, ending, at_hand, lately, owed_until, window, is_told)
  local found, value = oldest_pending(key)
  local outcome = 'delivered'
  -- What is to be returned must be readable.
  if found and found ~= at_hand and not is_sound(value) then
    quarantine.put_aside(found)
    found = nil
  end
  if not found then
    outcome = 'late'
    local all = records.candidates(key)
    if #all == 0 then return delivered.digest_of(key) and 'repeated' or 'unknown' end
    for _, candidate in ipairs(all) do
      if state_of(candidate[2]) ~= 'd' then
        found, value = candidate[1], candidate[2]
        break
      end
    end
    if not found then return 'repeated' end
    redis.call('DEL', name_of('u', found))
  end
  local tombstone = finish(found, value, 'd', ending, window)
  untrack_copy(found, value)
  local member = due_member(found, 'd')
  if is_told or not owes_receipt(value) then
    gather_over(member)
    gather_told(found)
  elseif not (outcome == 'delivered' and first_lease_runs(value, lately)) then
    gather_due(owed_until, member)
  end
  if outcome == 'late' then gather_over(due_member(found, state_of(value))) end
  if found == at_hand then return outcome .. '-at-hand\0' .. sub(value, 5, 10) end
  return outcome .. '\0' .. found .. '\0' .. tombstone
end

-- A message has arrived, which only the recipient's server has seen: its sender is told nothing.
-- Reply: unknown, repeated; or proved, key, tombstone.
function settling.prove(key, ending, window)
  local found, value = quarantine.oldest_sound(key)
  if not found then return #records.candidates(key) == 0 and not delivered.digest_of(key) and 'unknown' or 'repeated' end
  local tombstone = finish(found, value, 'u', ending, window)
  -- At once: a receipt of the same call is owed under this very name.
  redis.call('ZREM', due_set, due_member(found, 'p'))
  untrack_copy(found, value)
  return 'proved\0' .. found .. '\0' .. tombstone
end

-- Evidence that everything up to a message of a conversation has arrived (XEP-0333 section 5.3: a marker is for it and for
-- all before it): settles that one, and what is out to its recipient from its sender and no newer; a page of these, itself
-- with the last.
-- Reply: proved, cursor of the next page, then for each that was settled by this: delivered or late, key, tombstone.
--
-- `names_earlier`: where there is anything before it, nothing is settled. Reply: for each: earlier, key, record without payload; and so
-- of that one with the last page: named, key, record.
function settling.settle_up_to(key, ending, sender, recipient, resource, cursor, names_earlier, lately, owed_until, window)
  local found, value = oldest_pending(key)
  if not found then
    local known = records.candidates(key, -MANY)
    value = #known > 0 and known[#known][2]
    if not value then return 'proved\0' .. '0' end
  end
  -- Those before it are others.
  only = false
  local limit = { stored = stored_at(value), token = record.first_token(fields_of(value).tokens) }
  local settled = {}
  local function take(which)
    local result = settling.settle(which, ending, '', lately, owed_until, window)
    if result ~= 'unknown' and result ~= 'repeated' then settled[#settled + 1] = result end
  end
  local before = {}
  local presence, sessions = evidence.presence_of(recipient)
  local answers = asked.answers_of(recipient, sessions)
  local session = sessions[resource]
  local next_cursor = evidence.each_copy(recipient, cursor, function(other, how, stored, handed)
    -- What came back, went nowhere or may have been lost with a session has not arrived, whatever was read after it.
    if other == found or how == 'b' or how == 'x' or stored > limit.stored then return end
    if evidence.WITH_SESSION[how] and presence == 'o' then
      -- Nor what can only have gone to another session than the one where it was read.
      if not asked.outlived(sessions, handed, answers) or (session and not evidence.may_have_had(session, handed)) then return end
    end
    local other_value = evidence.still_pending(other, recipient)
    local fields = other_value and fields_of(other_value)
    local entry = { key = other, value = other_value, stored = stored, token = fields and record.first_token(fields.tokens) or '' }
    if fields and fields.sender == sender and evidence.comes_before(entry, limit) then before[#before + 1] = entry end
  end)
  table.sort(before, evidence.comes_before)
  local only_names = names_earlier and (#before > 0 or cursor ~= '0' or next_cursor ~= '0')
  local function take_or_name(what, which, pending)
    -- What cannot be read is put aside.
    if only_names and is_sound(pending) then settled[#settled + 1] = what .. '\0' .. which .. '\0' .. strip(pending) else take(which) end
  end
  for _, entry in ipairs(before) do take_or_name('earlier', entry.key, entry.value) end
  if found and next_cursor == '0' then take_or_name('named', found, value) end
  return list_of('proved\0' .. next_cursor, settled)
end
end)
