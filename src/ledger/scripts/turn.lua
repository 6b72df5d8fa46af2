-- Everything that one turn of the event loop has for the ledger, in its order, in one call.
-- ARGV: now, lease until, dedup window, retention, message TTL, confirmation memory, first retry step (all ms), the rules of
-- redelivery, whether any operation adds a message, then the operations: a letter or word each, followed by its arguments; the two that are made for every
-- message have a short form (a, s) beside the full one, as each argument costs. Returns one string an operation.
local ARGV, tostring = ARGV, tostring
local now = tonumber(ARGV[1])
local lease_until = tonumber(ARGV[2])
local window = tonumber(ARGV[3])
local retention = tonumber(ARGV[4])
local ttl = tonumber(ARGV[5])
local confirms_for = tonumber(ARGV[6])
local first_step = tonumber(ARGV[7])
local keep = window + ttl
-- As texts, which is how Redis takes them.
local lease_text, window_text = ARGV[2], ARGV[3]
local lately = string.format('%.0f', now - (lease_until - now) / 3)
local results = {}
-- Those that look into the sorted sets must see what was gathered for them. Messages, receipts and hand-overs, which come
-- all mixed up, do not: what one of them changes there, no other of the same turn asks for.
local SEES_SETS = {}
for operation in ('c n r x v w l tell g k y cancel retry erase'):gmatch('%S+') do SEES_SETS[operation] = true end
if ARGV[9] == '0' then
  -- A command that frees memory, and be it none, comes first: Redis then lets the others through at its memory limit.
  redis.call('ZREM', due_set, '')
end
local at = 10
local last = #ARGV
while at <= last do
  local operation = ARGV[at]
  local key = ARGV[at + 1]
  local result
  if SEES_SETS[operation] then flush_all() end
  if operation == 'a' then
    result = accept(key, '', ARGV[at + 2], lease_text, keep)
    at = at + 3
  elseif operation == 's' then
    result = settle(key, ARGV[at + 2], key, lately, lease_text, window_text)
    at = at + 3
  elseif operation == 'A' then
    result = accept(key, ARGV[at + 3], ARGV[at + 2], lease_text, keep)
    at = at + 4
  elseif operation == 'S' then
    result = settle(key, ARGV[at + 2], ARGV[at + 4], lately, lease_text, window_text)
    if ARGV[at + 3] ~= '' and result ~= '' then
      flush_all()
      remember(ARGV[at + 5], ARGV[at + 3], now, confirms_for, first_step, ttl)
    end
    at = at + 6
  elseif operation == 't' then
    -- Senders that have been told: how many, and a member of the sorted set each.
    local count = tonumber(key)
    redis.call('ZREM', due_set, unpack(ARGV, at + 2, at + 1 + count))
    result = ''
    at = at + 2 + count
  elseif operation == 'h' then
    local attempt, copies, by_timetable, unconfirmed = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5])
    result = handover(key, attempt, copies, by_timetable, unconfirmed, ARGV[at + 6], ARGV[at + 7], ARGV[at + 8] == '1', ARGV[at + 9], now, ttl, keep)
    at = at + 10
  elseif operation == 'c' then
    result = claim(key, tonumber(ARGV[at + 2]), now, lease_until, ttl, ARGV[at + 3], keep)
    at = at + 4
  elseif operation == 'b' then
    result = bounce(key, now, keep)
    at = at + 2
  elseif operation == 'n' then
    result = hasten(key, tonumber(ARGV[at + 2]), ARGV[at + 3])
    at = at + 4
  elseif operation == 'r' then
    result = reject(key, ARGV[at + 2], now, lease_until, window, retention)
    at = at + 3
  elseif operation == 'x' then
    result = expire(key, ARGV[at + 2], now, ttl, lease_until, window, retention)
    at = at + 3
  elseif operation == 'v' then
    result = revive(key, now, lease_until, keep)
    at = at + 2
  elseif operation == 'w' then
    result = withdraw(key, ARGV[at + 2], ARGV[at + 3])
    at = at + 4
  elseif operation == 'i' then
    result = readdress(key, ARGV[at + 2], ARGV[at + 3])
    at = at + 4
  elseif operation == 'l' then
    -- A recipient is there; `key` is his bare JID.
    result = came(key, ARGV[at + 2], ARGV[at + 3], now, tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5]), tonumber(ARGV[at + 6]), ttl, keep)
    at = at + 7
  elseif operation == 'tell' then
    result = tell(key, ARGV[at + 2], now)
    at = at + 3
  elseif operation == 'g' then
    result = gap(key, ARGV[at + 2], tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4]), ARGV[at + 5])
    at = at + 6
  elseif operation == 'k' then
    result = arrived(key, ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], ARGV[at + 5], lately, lease_text, window_text)
    at = at + 6
  elseif operation == 'y' then
    -- What waits for its turn to be sent again is nobody else's to send.
    local count = tonumber(key)
    postpone(tonumber(ARGV[at + 2]), at + 3, at + 2 + count)
    result = ''
    at = at + 3 + count
  elseif operation == 'P' then
    local count = tonumber(ARGV[at + 2])
    result = presence[key](unpack(ARGV, at + 3, at + 2 + count))
    at = at + 3 + count
  elseif operation == 'iq?' then
    result = note_question(key, ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], tonumber(ARGV[at + 5]), tonumber(ARGV[at + 6]))
    at = at + 7
  elseif operation == 'iq=' then
    result = take_reply(key, ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], ARGV[at + 5])
    at = at + 6
  elseif operation == 'iq<' then
    result = overdue_questions(key, ARGV[at + 2], tonumber(ARGV[at + 3]))
    at = at + 4
  elseif operation == 'iq-' then
    result = forget_question(key)
    at = at + 2
  elseif operation == 'caps?' then
    result = caps_of(key, ARGV[at + 2])
    at = at + 3
  elseif operation == 'caps=' then
    result = note_caps(key, ARGV[at + 2], ARGV[at + 3], ARGV[at + 4])
    at = at + 5
  elseif operation == 'cancel' then
    result = cancel(key, ARGV[at + 2], ARGV[at + 3], now, window, keep)
    at = at + 4
  elseif operation == 'retry' then
    result = retry_now(key, ARGV[at + 2], now, lease_until, keep)
    at = at + 3
  elseif operation == 'erase' then
    -- A JID, '1' to count only, and how many records follow.
    local count = tonumber(ARGV[at + 3])
    result = erase(key, ARGV[at + 2] == '1', at + 4, at + 3 + count)
    at = at + 4 + count
  elseif operation == 'forget' then
    local count = tonumber(ARGV[at + 2])
    result = forget_user(key, at + 3, at + 2 + count)
    at = at + 3 + count
  elseif operation == 'pause' then
    result = pause(key)
    at = at + 2
  elseif operation == 'over' then
    result = end_session(key, ARGV[at + 2], ARGV[at + 3])
    at = at + 4
  else
    return redis.error_reply('unknown operation ' .. operation)
  end
  results[#results + 1] = tostring(result)
end
flush_all()
write_ages()
return results
