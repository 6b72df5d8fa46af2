-- Everything that one turn of the event loop has for the ledger, in its order, in one call. It comes in two sizes: without the
-- parts for operations that are few (scripts.ts), since each part costs at every call.
-- ARGV: time (see clock.lua), lease, dedup window, retention, message TTL, confirmation memory, first retry step (all ms), the
-- rules of redelivery, whether any operation adds a message, then the operations: a letter or word each, followed by its
-- arguments; the two that are made for every message have a short form (a or ac, s) beside the full one, as each argument costs.
-- Returns '<time> <epoch> <+ or ->' and one string an operation; with '-', nothing was carried out as the call came late.
-- An operation that cannot be carried out for what it is, or what it found, returns '\0' and the error, and holds up nothing.
local ARGV, tostring = ARGV, tostring
if ARGV[9] == '0' then
  -- A command that frees memory, and be it none, comes first: Redis then lets the others through at its memory limit.
  redis.call('ZREM', due_set, '')
end
local now, epoch, on_time = ledger_time(ARGV[1])
local stamp = string.format('%.0f %.0f ', now, epoch)
if not on_time then return { stamp .. '-' } end
local lease = tonumber(ARGV[2])
local lease_until = now + lease
local window = tonumber(ARGV[3])
local retention = tonumber(ARGV[4])
local ttl = tonumber(ARGV[5])
local confirms_for = tonumber(ARGV[6])
local first_step = tonumber(ARGV[7])
local keep = window + ttl
-- As texts, which is how Redis takes them.
local lease_text, window_text = string.format('%.0f', lease_until), ARGV[3]
local lately = string.format('%.0f', now - lease / 3)
times.now, times.window, times.retention, times.first_step, times.ttl = now, window, retention, first_step, ttl
local results = { stamp .. '+' }
-- Those that look into the sorted sets must see what was gathered for them. Messages, receipts and hand-overs, which come
-- all mixed up, do not: what one of them changes there, no other of the same turn asks for.
local SEES_SETS = {}
for operation in ('c n r x v w l tell g k y cancel retry erase release q supersede'):gmatch('%S+') do SEES_SETS[operation] = true end

-- How many of ARGV an operation takes, for one that did not come to its end.
local function width_of(operation, at)
  local widths = {
    a = 3, ac = 3, s = 3, A = 5, S = 6, correct = 6, mention = 4, supersede = 2, h = 10, c = 4, b = 2, n = 4, r = 3, x = 3, v = 2, w = 3, i = 4, l = 7, tell = 3, g = 7, k = 7,
    ['iq?'] = 7, ['iq='] = 6, ['iq<'] = 4, ['iq-'] = 2, ['iq!'] = 4, ['caps?'] = 3, ['caps='] = 5, cancel = 4, retry = 3, pause = 2, over = 3, q = 2,
    ['session+'] = 4, ['session?'] = 2,
  }
  if widths[operation] then return widths[operation] end
  if operation == 'within' or operation == 'within+' then
    local inner = width_of(ARGV[at + 6], at + 6)
    return inner and 6 + inner
  end
  if operation == 't' or operation == 'named' then return 2 + tonumber(ARGV[at + 1]) end
  if operation == 'y' then return 3 + tonumber(ARGV[at + 1]) end
  if operation == 'P' or operation == 'forget' or operation == 'release' then return 3 + tonumber(ARGV[at + 2]) end
  if operation == 'erase' then return 4 + tonumber(ARGV[at + 3]) end
  return nil
end

-- Carries out the operation at this place of ARGV. Returns its result, and how many of ARGV it takes.
local function run(operation, at)
  local key = ARGV[at + 1]
  if operation == 'a' then
    return accept(key, '', ARGV[at + 2], lease_text, keep, false), 3
  elseif operation == 's' then
    return settle(key, ARGV[at + 2], key, lately, lease_text, window_text), 3
  elseif operation == 'ac' then
    return accept(key, '', ARGV[at + 2], lease_text, keep, true), 3
  elseif operation == 'A' then
    return accept(key, ARGV[at + 3], ARGV[at + 2], lease_text, keep, ARGV[at + 4] == '1'), 5
  elseif operation == 'within' or operation == 'within+' then
    -- The operation that stores the message follows: with its key and value first, and then, if it has more, whether its id
    -- is one that a client counts.
    local stores = at + 6
    local countable = ARGV[stores] == 'ac' or (ARGV[stores] ~= 'a' and ARGV[stores + 4] == '1')
    local taken, refused = shares.judge(key, ARGV[stores + 2], countable, ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], ARGV[at + 5])
    if refused ~= '' then return taken .. '!' .. refused, 6 + width_of(ARGV[stores], stores) end
    local result, width = run(ARGV[stores], stores)
    return taken .. result, 6 + width
  elseif operation == 'S' then
    local result = settle(key, ARGV[at + 2], ARGV[at + 4], lately, lease_text, window_text)
    if ARGV[at + 3] ~= '' and result ~= '' then
      flush_all()
      remember(ARGV[at + 5], ARGV[at + 3], now, confirms_for, first_step)
    end
    return result, 6
  elseif operation == 'correct' then
    return corrections.accept(key, ARGV[at + 3], ARGV[at + 5], ARGV[at + 2], lease_text, keep, ARGV[at + 4] == '1'), 6
  elseif operation == 'mention' then
    return corrections.mentioned(key, ARGV[at + 2], ARGV[at + 3], lately, lease_text, window_text), 4
  elseif operation == 'supersede' then
    return corrections.supersede(key), 2
  elseif operation == 't' then
    -- Senders that have been told: how many, and a member of the sorted set each.
    local count = tonumber(key)
    redis.call('ZREM', due_set, unpack(ARGV, at + 2, at + 1 + count))
    return '', 2 + count
  elseif operation == 'h' then
    local attempt, copies, by_timetable, unconfirmed = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5])
    return handover(key, attempt, copies, by_timetable, unconfirmed, ARGV[at + 6], ARGV[at + 7], ARGV[at + 8] == '1', ARGV[at + 9], now, ttl, keep), 10
  elseif operation == 'c' then
    return claim(key, tonumber(ARGV[at + 2]), now, lease_until, ttl, ARGV[at + 3], keep), 4
  elseif operation == 'b' then
    return bounce(key, now, keep), 2
  elseif operation == 'n' then
    return hasten(key, tonumber(ARGV[at + 2]), ARGV[at + 3]), 4
  elseif operation == 'r' then
    return reject(key, ARGV[at + 2], now, lease_until, window, retention), 3
  elseif operation == 'x' then
    return expire(key, ARGV[at + 2], now, ttl, lease_until, window, retention), 3
  elseif operation == 'v' then
    return revive(key, now, lease_until, keep), 2
  elseif operation == 'w' then
    return withdraw(key, ARGV[at + 2], now), 3
  elseif operation == 'i' then
    return readdress(key, ARGV[at + 2], ARGV[at + 3]), 4
  elseif operation == 'l' then
    -- A recipient is there; `key` is his bare JID.
    return coming.came(key, ARGV[at + 2], ARGV[at + 3], now, tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5]), tonumber(ARGV[at + 6]), ttl, keep), 7
  elseif operation == 'tell' then
    return coming.tell(key, ARGV[at + 2], now), 3
  elseif operation == 'g' then
    return coming.gap(key, ARGV[at + 2], ARGV[at + 3], tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5]), ARGV[at + 6], ttl), 7
  elseif operation == 'k' then
    return arrived(key, ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], ARGV[at + 5], ARGV[at + 6], lately, lease_text, window_text), 7
  elseif operation == 'y' then
    -- What waits for its turn to be sent again is nobody else's to send.
    local count = tonumber(key)
    postpone(tonumber(ARGV[at + 2]), at + 3, at + 2 + count)
    return '', 3 + count
  elseif operation == 'P' then
    local count = tonumber(ARGV[at + 2])
    return presence[key](unpack(ARGV, at + 3, at + 2 + count)), 3 + count
  elseif operation == 'iq?' then
    return query.note_question(key, ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], tonumber(ARGV[at + 5]), tonumber(ARGV[at + 6])), 7
  elseif operation == 'iq=' then
    return query.take_reply(key, ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], ARGV[at + 5]), 6
  elseif operation == 'iq<' then
    return query.overdue_questions(key, ARGV[at + 2], tonumber(ARGV[at + 3])), 4
  elseif operation == 'iq!' then
    return query.end_question(key, ARGV[at + 2], ARGV[at + 3]), 4
  elseif operation == 'iq-' then
    return query.forget_question(key), 2
  elseif operation == 'caps?' then
    return query.caps_of(key, ARGV[at + 2]), 3
  elseif operation == 'caps=' then
    return query.note_caps(key, ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]), 5
  elseif operation == 'cancel' then
    return cancel(key, ARGV[at + 2], ARGV[at + 3], now, window, keep), 4
  elseif operation == 'retry' then
    return retry_now(key, ARGV[at + 2], now, lease_until, keep), 3
  elseif operation == 'erase' then
    -- A JID, '1' to count only, and how many records follow.
    local count = tonumber(ARGV[at + 3])
    return erase(key, ARGV[at + 2] == '1', at + 4, at + 3 + count), 4 + count
  elseif operation == 'release' then
    -- Members of the sorted set whose lease until `key` is given back.
    local count = tonumber(ARGV[at + 2])
    for position = at + 3, at + 2 + count do release(ARGV[position], tonumber(key), now) end
    return '', 3 + count
  elseif operation == 'q' then
    local value = read(key)
    if value and is_pending(value) then quarantine.put_aside(key) end
    return '', 2
  elseif operation == 'named' then
    local count = tonumber(key)
    quarantine.named(at + 2, at + 1 + count)
    return '', 2 + count
  elseif operation == 'forget' then
    local count = tonumber(ARGV[at + 2])
    return forget_user(key, at + 3, at + 2 + count), 3 + count
  elseif operation == 'pause' then
    return pause(key), 2
  elseif operation == 'over' then
    return session.close(key, ARGV[at + 2]), 3
  elseif operation == 'session+' then
    return session.open(key, ARGV[at + 2], ARGV[at + 3]), 4
  elseif operation == 'session?' then
    return redis.call('GET', session.name(key)) or '', 2
  end
  error('unknown operation ' .. tostring(operation))
end

-- Whether an error says something of the operation, and not that Redis takes no writes now: then nothing goes on.
local function is_of_operation(text)
  if text:find("executing the script can't", 1, true) then return false end
  return text:find('^WRONGTYPE') ~= nil or text:find('^ERR ') ~= nil or text:find('^user_script') ~= nil
end

local at = 10
local last = #ARGV

-- Carries out what is left. An error leaves `at` at the operation that it came from: one protected call for all of them costs
-- less than one for each.
local function run_all()
  while at <= last do
    local operation = ARGV[at]
    if SEES_SETS[operation] then flush_all() end
    local result, width = run(operation, at)
    results[#results + 1] = tostring(result)
    at = at + width
  end
end

-- Gives the operation at `at` a second try if it met a damaged record, else an error for its result. Returns an error that is
-- not the operation's own.
local function step_over(text)
  local operation = ARGV[at]
  local width = width_of(operation, at)
  if width == nil or not is_of_operation(text) then return text end
  local inspected, found = pcall(quarantine.inspect, tostring(ARGV[at + 1]))
  local done, result = false, nil
  if inspected and found then done, result = pcall(run, operation, at) end
  results[#results + 1] = done and tostring(result) or '\0' .. text
  at = at + width
  return nil
end

while at <= last do
  local done, problem = pcall(run_all)
  if not done then
    problem = step_over(tostring(type(problem) == 'table' and problem.err or problem))
    if problem then return redis.error_reply(problem) end
  end
end
flush_all()
write_ages()
return results
