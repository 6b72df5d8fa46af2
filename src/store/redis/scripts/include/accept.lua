--- @include "stored-records"
--- @include "quarantine"
--- @include "evidence"
--- @include "delivered"
-- What is the same message.
local duplicates = {
  -- How long its sender may be in doubt about a message whose id he counts, ms; how long word of an end is on its way to him,
  -- if nothing is wrong; and how long what comes from him was written before it can have reached him.
  IN_DOUBT = 300000, ON_ITS_WAY = 2000, CROSSES = 300,
  -- Fields and values of the sender's hash of sessions, where the operation says them.
  sessions = false,
}

lazily(duplicates, function()
-- A record's tokens name the attempts to store it that have reached Redis and were not taken back: the one that stored it
-- first, then those that were answered from it as duplicates. Any of them may have been acknowledged, so it is taken back
-- only with the last. They stand in its field `tokens`, joined by '+'.
-- So many are told apart; with more, '*' stands for the others, and the record stays.
local MOST_TOKENS = 8

local function has_token(tokens, token) return ('+' .. tokens .. '+'):find('+' .. token .. '+', 1, true) ~= nil end

-- A message that nothing has been done with since it was stored, as far as Redis knows.
local function is_untouched(value)
  return state_of(value) == 'p' and record.attempt_of(value) == 1 and record.copies_of(value) == 0
end

local function write_tokens(key, value, tokens)
  redis.call('SET', record_name(key), record.with(value, { tokens = tokens }))
end

-- Notes that this attempt is being answered from a record that another has stored.
local function add_token(key, value, token)
  local tokens = fields_of(value).tokens
  if not is_untouched(value) or tokens == '' or has_token(tokens, token) or has_token(tokens, '*') then return end
  local _, separators = tokens:gsub('%+', '')
  write_tokens(key, value, tokens .. '+' .. (separators + 1 < MOST_TOKENS and token or '*'))
end

-- The record that stands in a value's place, which was not stored for that; or false when it was damaged, is put aside, and
-- the value has taken its place. Under an id that is counted it may be another message, whose sender is told of the damage.
local function known_or_stored(key, value, countable)
  local known = read(key) or (countable and peek(key))
  if not known then redis.call('SET', record_name(key), value) end
  return known
end

-- The key of a message that is another one than those that its sender gave the same id, by the attempt that stores it; it
-- goes out under an id of its own (xmpp/stanza/message-key.ts). The same attempt has the same key whenever it is carried
-- out.
function duplicates.marked(key, token) return key .. '~' .. sub(redis.sha1hex(token), 1, 16) end

function duplicates.has_digest(value, digest) return fields_of(value).digest == digest end

-- The newest of the messages that their sender named so, and its key. `first` is the one of that key.
function duplicates.newest_of(key, first)
  local others = redis.call('LRANGE', index_name(key), -MANY, -1)
  for position = #others, 1, -1 do
    -- What is known by an origin-id stands there too, for the sake of receipts.
    local value = sub(others[position], 1, KEY) == key and read(others[position])
    if value then return others[position], value end
  end
  return key, first
end

-- What is said of a sender whose shard is out of reach, by the operation that stores his message; without it nothing can be done.
function duplicates.known_presence(sender)
  if not duplicates.sessions then error({ err = 'NEEDS' }) end
  return evidence.presence_of(sender, true, duplicates.sessions)
end

-- Whether the same words under a counted id are the message that is known already. docs/guarantees.md has this as a table.
function duplicates.is_resend(known_key, known, value)
  if times.now - stored_at(known) > duplicates.IN_DOUBT then return false end
  local fields, resource = fields_of(known), fields_of(value).sender_resource
  local before = fields.sender_resource
  local presence, sessions = evidence.presence_of_sender(fields.sender)
  if not presence then presence, sessions = duplicates.known_presence(fields.sender) end
  local session = presence == 'o' and sessions[resource]
  local later_login = session and session.since > stored_at(known)
  -- Another resource is another client, unless the session that it came from is known to have ended before this one began.
  if resource ~= before and not (later_login and not sessions[before]) then return false end
  if is_pending(known) then return true end
  if session and not later_login then return true end
  local since = times.now - record.settled_at(known)
  if since < duplicates.ON_ITS_WAY then return not session and since < duplicates.CROSSES end
  flush_all()
  return redis.call('ZSCORE', due_set, due_member(known_key, state_of(known))) ~= false
end

-- What is known of this very message whose key is taken: its own record (the reply to an earlier try was lost on its way), or the
-- newest of its id when that says the same. Returns `own` or `same` with a key and the record, which is nil when none is kept any
-- more; else nil, and whether the newest says the same. `first` is the record of that key, nil when it was `delivered`: see
-- delivered.lua.
function duplicates.known(key, value, countable, first, digest_delivered)
  local stored = fields_of(value)
  local digest, token = stored.digest, stored.tokens
  local with_digest = key .. '-' .. digest
  for _, name in ipairs({ key, with_digest, duplicates.marked(key, token) }) do
    local known = name == key and first or (name ~= key and read(name))
    if known and record.first_token(fields_of(known).tokens) == token then return 'own', name, known end
  end
  local newest_key, newest = duplicates.newest_of(key, first)
  local says_the_same
  if newest then says_the_same = duplicates.has_digest(newest, digest)
  else says_the_same = delivered.is_of(digest_delivered, digest) end
  if says_the_same and (not countable or (newest and duplicates.is_resend(newest_key, newest, value))) then return 'same', newest_key, newest end
  if not countable and delivered.says(with_digest, digest) then return 'same', with_digest, nil end
  return nil, says_the_same
end

-- Stores a message whose key is taken, unless it is known. `countable`: its sender's client may give another the same id.
-- Returns the key that it was stored under and nil, or nil and the reply to `accept` about a known one.
function duplicates.accept_again(key, value, due, window, countable, digest_delivered)
  local stored = fields_of(value)
  local digest, token = stored.digest, stored.tokens
  local first = nil
  if not digest_delivered then
    first = known_or_stored(key, value, countable)
    if not first then return key end
  end
  local how, known_key, known = duplicates.known(key, value, countable, first, digest_delivered)
  if how == 'own' and is_pending(known) then
    -- Should that try have ended in the middle, it is made due now.
    gather_due(due, known_key)
    return nil, known_key == key and 'stored' or 'stored-as\0' .. known_key
  elseif how then
    if how == 'same' and known then add_token(known_key, known, token) end
    -- Of one that was delivered a while ago no more is known than that: to its sender it is what he sends now.
    return nil, 'known\0' .. known_key .. '\0' .. (known and strip(known) or ended(value, 'd', ''))
  end
  local says_the_same = known_key
  -- Another message. Under an id that nobody counts it is another version of the same one, and goes by that id, unless an
  -- earlier one said the same: nobody could tell it from that.
  local with_digest, own = key .. '-' .. digest, duplicates.marked(key, token)
  local is_version = not countable and not says_the_same
  if first then is_version = is_version and not duplicates.has_digest(first, digest)
  else is_version = is_version and not delivered.is_of(digest_delivered, digest) end
  local stored_as = is_version and redis.call('EXISTS', record_name(with_digest)) == 0 and with_digest or own
  redis.call('SET', record_name(stored_as), value)
  redis.call('RPUSH', index_name(key), stored_as)
  records.trim(key)
  redis.call('PEXPIRE', index_name(key), window)
  -- A duplicate of this one is looked for through the first of its id, which must be known for as long.
  local left = redis.call('PTTL', record_name(key))
  if left >= 0 and left < window then redis.call('PEXPIRE', record_name(key), window) end
  return stored_as
end

-- Whether `accept` would have to look at what is known: without a record and a digest it stores the message.
function duplicates.is_taken(key)
  return redis.call('EXISTS', record_name(key)) == 1 or delivered.digest_of(key) ~= nil
end

-- Takes a record away. The first of an id leaves a mark where others are known: a duplicate of those is looked for there.
function duplicates.take_away(key, value, others)
  if #key == KEY and #others > 0 then
    -- Of no attempt, of no text, and nobody is told of it.
    local mark = record.with(FORMAT .. 'p00' .. sub(value, 5), { tokens = '', digest = '-' })
    finish(key, mark, 'd', '', redis.call('PTTL', index_name(key)))
  else
    redis.call('DEL', record_name(key))
    redis.call('LREM', index_name(sub(key, 1, KEY)), 0, key)
    local alias = fields_of(value).alias
    if alias ~= '' then redis.call('LREM', index_name(alias), 0, key) end
    count_pending(value, -1)
  end
  redis.call('ZREM', due_set, key)
end

-- Takes back what an attempt may have stored, or have been answered from, whose sender was told that it could not be: a
-- Redis that hangs carries out what it was given when it comes to itself. What another attempt was answered from stays, and
-- is sent at once, since whoever stored it will not send it.
--
-- Where an id has very many messages, only the newest are looked at, as a duplicate is only looked for among them; what the
-- attempt itself has stored is found by its key.
function duplicates.withdraw(key, token, now)
  local others = { duplicates.marked(key, token) }
  for _, other in ipairs(redis.call('LRANGE', index_name(key), -MANY, -1)) do
    if sub(other, 1, KEY) == key and other ~= others[1] then others[#others + 1] = other end
  end
  if redis.call('EXISTS', record_name(others[1])) == 0 then table.remove(others, 1) end
  for position = 0, #others do
    local own = others[position] or key
    local head = head_of(own)
    local value = head and is_untouched(head) and read(own)
    local tokens = value and fields_of(value).tokens or ''
    if has_token(tokens, token) then
      local rest = {}
      for one in tokens:gmatch('[^+]+') do
        if one ~= token then rest[#rest + 1] = one end
      end
      if #rest == 0 then duplicates.take_away(own, value, others)
      else
        write_tokens(own, value, table.concat(rest, '+'))
        if record.first_token(tokens) == token then gather_due(now, own) end
      end
    end
  end
  return 'done'
end

-- The message that this attempt has stored, or was answered from, of those that have the id of this key. Reply: key, its own; or unknown.
function duplicates.key_of(key, token)
  local marked = duplicates.marked(key, token)
  local all = records.candidates(key, nil, true)
  all[#all + 1] = { marked, read(marked) }
  local same
  for _, candidate in ipairs(all) do
    local own, value = candidate[1], candidate[2]
    local tokens = value and fields_of(value).tokens or ''
    if record.first_token(tokens) == token then return 'key\0' .. own end
    if has_token(tokens, token) then same = same or own end
  end
  return same and 'key\0' .. same or 'unknown'
end

-- Those that have the id of this key, oldest first, without their payloads; of very many the oldest. Reply: list of keys and records.
function duplicates.named(key)
  local named = {}
  for _, candidate in ipairs(records.candidates(key, nil, true)) do named[#named + 1] = candidate[1] .. '\0' .. strip(candidate[2]) end
  return list_of('list', named)
end

-- A resend came from another resource, under another id or asking for a receipt: the answers go there from now on.
-- `sender_id` is as record-codec.ts writes it.
function duplicates.readdress(key, sender_resource, sender_id, owes)
  local value = read(key)
  if value and is_pending(value) then
    local changed = record.with(value, { sender_resource = sender_resource, sender_id = sender_id })
    if owes == '1' then changed = sub(changed, 1, 3) .. '1' .. sub(changed, 5) end
    redis.call('SET', record_name(key), changed)
  end
  return 'done'
end
end)

-- Stores a message unless it is known.
-- `alias`: the key of its id where it is known by its origin-id, or ''. `countable`: see accept_again.
-- Reply: stored (under its key); stored-as, key: that key was taken by another message; known, key, record.
local function accept(key, alias, value, due, window, countable)
  local stored_as, known = key, nil
  local digest_delivered = delivered.digest_of(key)
  if digest_delivered or call('SETNX', record_name(key), value) == 0 then
    if digest_delivered and redis.call('EXISTS', record_name(key)) == 1 then digest_delivered = nil end
    stored_as, known = duplicates.accept_again(key, value, due, window, countable, digest_delivered)
    if known then return known end
  end
  gather_due(due, stored_as)
  count_pending(value, 1)
  if alias ~= '' then
    -- Clients answer with the id or with the origin-id (XEP-0359): both must lead here.
    redis.call('RPUSH', index_name(alias), stored_as)
    records.trim(alias)
    redis.call('PEXPIRE', index_name(alias), window)
  end
  return stored_as == key and 'stored' or 'stored-as\0' .. stored_as
end
