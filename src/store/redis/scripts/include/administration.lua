--- @include "corrections"
--- @include "sessions"
--- @include "claim"
--- @include "quarantine"
--- @include "outline"
-- What people do to messages by commands (XEP-0050): cancel, retry, forget; and the pause that workers honour.

-- `owner` is a sender's bare JID, or '' for who may touch all.
local function is_of(value, owner)
  return owner == '' or fields_of(value).sender == owner
end

-- Takes a message out of what is kept of its sender's and its recipient's messages in trouble.
local function forget_trouble(key, sender, recipient)
  redis.call('SREM', name_of('from', sender), key)
  copies.remove(key, recipient)
end

-- Its sender wants it no more: a pending message ends, and nothing is owed; what was undelivered is thrown away.
-- Reply: unknown; dropped: it was a dead letter; cancelled, key, tombstone.
local function cancel(key, owner, ending, now, window, keep)
  local value = read(key)
  local letter = records.undelivered(key)
  local known = value or letter
  if not known or not is_of(known, owner) then return 'unknown' end
  local fields = fields_of(known)
  if value and state_of(value) == 'p' then
    evidence.record_event(key, now, 'cancelled', keep, fields.recipient)
    forget_trouble(key, fields.sender, fields.recipient)
    -- At once: see undeliver.
    redis.call('ZREM', due_set, due_member(key, 'p'))
    return 'cancelled\0' .. key .. '\0' .. finish(key, value, 'r', ending, window)
  end
  if not letter then return 'unknown' end
  -- A sender who has not been told of the end yet is told at his next login, by what is kept of his.
  local is_owed = value and redis.call('ZSCORE', due_set, due_member(key, state_of(value)))
  if is_owed then copies.remove(key, fields.recipient) else forget_trouble(key, fields.sender, fields.recipient) end
  redis.call('DEL', name_of('u', key))
  return 'dropped'
end

local retries = {}

function retries.is_too_soon(key, now)
  local asked_before, last = 0, 0
  for _, line in ipairs(redis.call('LRANGE', name_of('life', key), 0, -1)) do
    local at = line:match('^(%d+) wanted%-now$')
    if at then asked_before, last = asked_before + 1, tonumber(at) end
  end
  return asked_before > 0 and now < last + POLICY.WANTED_AGAIN * 2 ^ (asked_before - 1)
end

-- Makes a pending message due at once, for a sweep to find. What is due within a lease is left as it is: it is being sent,
-- and would be sent twice. So is what a claim would not take: another copy would come twice, or nowhere. A sender who does
-- not get the recipient's presence is told the same in each case, and nothing happens: the copy, its receipt and these
-- words would show whether he is there.
-- Reply: unknown; undelivered: it is a dead letter; in flight: it is being sent; waiting: it must; too soon: it was wanted a moment
-- ago; ordinary: it is sent at its ordinary time; due.
local function retry_now(key, owner, now, lease_until, keep)
  local value = read(key)
  local letter = records.undelivered(key)
  local known = value or letter
  if not known or not is_of(known, owner) then return 'unknown' end
  if not value or state_of(value) ~= 'p' then return letter and 'undelivered' or 'unknown' end
  local fields = fields_of(value)
  if owner ~= '' and redis.call('HGET', name_of('sub', fields.recipient), fields.sender) ~= 's' then return 'ordinary' end
  local there, sessions = evidence.presence_of(fields.recipient)
  -- Nor is one told otherwise to whom he shows himself as away.
  if owner ~= '' and there == 'o' and presence.is_hidden(fields.recipient, fields.sender) then there, sessions = 'f', {} end
  local waits = claims.must_wait(there, evidence.acknowledges(fields.sender, fields.recipient, sessions), record.copy_of(value))
  if waits and there == 'f' then return 'waiting' end
  local how, stored, handed, passed = evidence.last_copy(key, fields.recipient)
  local due = redis.call('ZSCORE', due_set, key)
  -- Of one with a session that is due soon, no more is due than a ping.
  if due and tonumber(due) <= lease_until and not evidence.IS_ASKED_ABOUT[how] then return 'in flight' end
  if owner ~= '' and retries.is_too_soon(key, now) then return 'too soon' end
  if waits then return 'waiting' end
  -- His sessions are not asked first.
  if evidence.WITH_SESSION[how] then evidence.write_copy(key, 'd', stored, handed, fields.recipient, passed) end
  redis.call('ZADD', due_set, now, key)
  evidence.record_event(key, now, 'wanted-now', keep, fields.recipient)
  return 'due'
end

local function erase_one(key, value, known)
  local fields = fields_of(known)
  if value and state_of(value) == 'p' then count_pending(value, -1) end
  redis.call('DEL', record_name(key), name_of('u', key), name_of('life', key))
  redis.call('ZREM', due_set, key, key .. 'x', key .. 'u', key .. 'r')
  redis.call('LREM', index_name(key:sub(1, KEY)), 0, key)
  if fields.alias ~= '' then redis.call('LREM', index_name(fields.alias), 0, key) end
  if fields.target ~= '' then redis.call('LREM', name_of('c', fields.target), 0, key) end
  forget_trouble(key, fields.sender, fields.recipient)
end

-- Of the records ARGV[first] to ARGV[last], erases those that a user sent or was to get; or only counts them.
-- Reply: count, how many.
local function erase(jid, only_count, first, last)
  local count = 0
  for position = first, last do
    local key = ARGV[position]
    local value = outline.of(key, read)
    local known = value or outline.undelivered(key)
    local fields = known and fields_of(known)
    if fields and (fields.sender == jid or fields.recipient == jid) then
      count = count + 1
      if not only_count then erase_one(key, value, known) end
    end
    if not only_count then quarantine.erase(key, jid) end
  end
  return 'count\0' .. count
end

-- Erases what is kept of a user beside his messages, and his subscriptions to ARGV[first] to ARGV[last].
-- Reply: count, how many of them there were.
local function forget_user(jid, first, last)
  -- With an entry goes what it says; so does a list that says no more. What is pending has come after all others were erased.
  local had_copies, cursor = 0, '0'
  repeat
    cursor = evidence.each_copy(jid, cursor, function(key)
      local head = head_of(key)
      if head and is_pending(head) then return end
      had_copies = 1
      copies.remove(key, jid)
      if redis.call('LLEN', name_of('life', key)) == 1 then redis.call('DEL', name_of('life', key)) end
    end)
  until cursor == '0'
  local count = had_copies + (presence.forget_sessions(jid) and 1 or 0)
  for _, kind in ipairs({ 'confirms', 'sub', 'asked' }) do
    count = count + redis.call('DEL', name_of(kind, jid))
  end
  -- Not counted: shards have these beside others.
  redis.call('DEL', name_of('from', jid), name_of('to', jid))
  quota.forget(jid)
  redis.call('SREM', name_of('subs'), jid)
  for position = first, last do
    local contact = ARGV[position]
    count = count + redis.call('HEXISTS', name_of('sub', contact), jid)
    presence.drop(contact, jid)
  end
  return 'count\0' .. count
end

-- Sets the flag that keeps further copies back, or takes it away (empty text). Reply: paused and what it was
-- before, or none.
local function pause(text)
  local was = redis.call('GET', name_of('paused'))
  if text == '' then
    redis.call('DEL', name_of('paused'))
  elseif not was then
    redis.call('SET', name_of('paused'), text)
  end
  return was and 'paused\0' .. was or 'none'
end

-- A command's session: its value is 'o' and whose it is while it is open, 'x' and whose doing its end was after that.
local command_session = {}

function command_session.open(id, whose, lasts)
  redis.call('SET', name_of('session', id), 'o' .. whose, 'PX', lasts)
  return 'done'
end

-- Reply: none; open, whose; ended.
function command_session.read(id)
  local value = redis.call('GET', name_of('session', id))
  if not value then return 'none' end
  return value:sub(1, 1) == 'o' and 'open\0' .. value:sub(2) or 'ended'
end

-- Ends a session, once; `token` is whose doing it is, so that a repetition after a lost reply is known.
-- Reply: yes, or no when another has ended it.
function command_session.close(id, token)
  local value = redis.call('GET', name_of('session', id))
  if not value then return 'no' end
  if value:sub(1, 1) == 'x' then return value:sub(2) == token and 'yes' or 'no' end
  redis.call('SET', name_of('session', id), 'x' .. token, 'KEEPTTL')
  return 'yes'
end
