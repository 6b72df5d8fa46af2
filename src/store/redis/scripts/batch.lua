-- Everything that one turn of the event loop has for the ledger, in its order, in one call.
-- KEYS: prefixes of shards, see include/keys.lua. The operations begin with those for the first.
-- ARGV: time (see include/clock.lua), lease, dedup window, retention, message TTL, confirmation memory, first retry step (all ms), the
-- rules of redelivery, whether any operation adds a message (1 or 0), how many shards the ledger has, then the operations, each its name and its arguments: see
-- include/operations.lua.
-- Reply: the time of the call, then one reply an operation, or one for all of them: see include/replies.lua and include/operations.lua. An operation that
-- cannot be carried out for what it is, or what it found, holds up nothing. An error reply of Redis only where the batch is to be made again: Redis takes no writes, or a name is unknown.
-- Complexity: O(n log p) for n operations and p messages pending. Those that look at what is out to somebody do so by pages of
-- about 100.
--- @include "batch-arguments"
--- @include "plain-batch"

-- What is not needed for most batches.
local function carry_out_any()
--- @include "stored-records"

-- What a function takes from around it costs less where that is a function, too.
local function carry_out()
shards.count = tonumber(ARGV[10])
local retention = tonumber(ARGV[4])
local ttl = tonumber(ARGV[5])
local confirms_for = tonumber(ARGV[6])
local first_step = tonumber(ARGV[7])
local keep = window + ttl
times.kept_whole = kept_whole
times.now, times.window, times.retention, times.first_step, times.ttl = now, window, retention, first_step, ttl
-- The one of KEYS that the operations are for.
local batch_shard = 1
gathered.told = told
--- @include "delivered"
--- @include "quota"
--- @include "common-operations"

-- What most calls have nothing of: a call with one message would take longer to make this than for all that it does.
local others = {}
-- Carries out the operation at a place of ARGV. Returns its result, and how many of ARGV it takes.
local function run(operation, place)
  local result, width = run_common(operation, place)
  if width then return result, width end
  return others.run(operation, place)
end

lazily(others, function()
--- @include "usual-operations"

local further = {}
lazily(further, function()
--- @include "sending-operations"

-- The other operations, which are few.
local rare = {}
lazily(rare, function()
--- @include "correct"
--- @include "session-available"
--- @include "explain"
--- @include "undeliver"
--- @include "subscriptions"
--- @include "sessions"
--- @include "probes"
--- @include "processes"
--- @include "session-checks"
--- @include "iq-requests"
--- @include "administration"

-- Those that look into the sorted sets must see what was gathered for them. Messages, receipts and hand-overs, which come
-- all mixed up, do not: what one of them changes there, no other of the same batch asks for.
local SEES_SETS = {
  reject = true, expire = true, requeue = true, sessionAvailable = true, senderAvailable = true, sequenceGap = true, explain = true,
  settleUpTo = true, renewLease = true, cancel = true, retryNow = true, erase = true, release = true, postponeNotice = true,
  quarantine = true, supersede = true,
}

function rare.run(operation, at)
  if SEES_SETS[operation] then flush_all() end
  local key = ARGV[at + 1]
  if operation == 'acceptCorrection' then
    return corrections.accept(key, ARGV[at + 3], ARGV[at + 5], ARGV[at + 2], lease_text, keep, ARGV[at + 4] == '1'), 6
  elseif operation == 'settleByMention' then
    return corrections.mentioned(key, ARGV[at + 2], ARGV[at + 3], lately, lease_text, window_text), 4
  elseif operation == 'supersede' then
    return corrections.supersede(key), 2
  elseif operation == 'reject' then
    return reject(key, ARGV[at + 2], now, lease_until, times.window, times.retention), 3
  elseif operation == 'expire' then
    return expire(key, ARGV[at + 2], now, times.ttl, lease_until, times.window, times.retention), 3
  elseif operation == 'requeue' then
    return requeue(key, now, lease_until, keep), 2
  elseif operation == 'sessionAvailable' then
    -- A recipient is there; `key` is his bare JID.
    return availability.recipient(key, ARGV[at + 2], ARGV[at + 3], now, tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5]), tonumber(ARGV[at + 6]), times.ttl, keep), 7
  elseif operation == 'senderAvailable' then
    return availability.sender(key, ARGV[at + 2], now), 3
  elseif operation == 'sequenceGap' then
    return availability.sequence_gap(key, ARGV[at + 2], ARGV[at + 3], tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5]), ARGV[at + 6], times.ttl), 7
  elseif operation == 'knowing' then
    local count = tonumber(key)
    duplicates.sessions = {}
    for position = at + 2, at + 1 + count do table.insert(duplicates.sessions, ARGV[position]) end
    local result, width = run(ARGV[at + 2 + count], at + 2 + count)
    duplicates.sessions = false
    return result, 2 + count + width
  elseif operation == 'sessionsOf' then
    return list_of('list', presence.sessions_hash(key)), 2
  elseif operation == 'postponeNotice' then
    return postpone_notice(key, ARGV[at + 2], ARGV[at + 3], now, math.max(times.window, times.retention)), 4
  elseif operation == 'isKnown' then
    return corrections.is_known_here(key) and 'yes' or 'no', 2
  elseif operation == 'loadOf' then
    return quota.load(key), 2
  elseif operation == 'explain' then
    return explain(key), 2
  elseif operation == 'keyOfHeld' then
    return duplicates.key_of(key, ARGV[at + 2]), 3
  elseif operation == 'namedBy' then
    return duplicates.named(key), 2
  elseif operation == 'settleUpTo' then
    return settling.settle_up_to(key, ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], ARGV[at + 5], ARGV[at + 6], ARGV[at + 7] == '1', lately, lease_text, window_text), 8
  elseif operation == 'renewLease' then
    -- What waits for its turn to be sent again is nobody else's to send.
    local count = tonumber(key)
    leases.renew(tonumber(ARGV[at + 2]), at + 3, at + 2 + count)
    return 'done', 3 + count
  elseif operation == 'presence' then
    local count = tonumber(ARGV[at + 2])
    return presence[key](unpack(ARGV, at + 3, at + 2 + count)), 3 + count
  elseif operation == 'recordIq' then
    return iq.record(key, ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], tonumber(ARGV[at + 5]), tonumber(ARGV[at + 6])), 7
  elseif operation == 'takeIqResponse' then
    return iq.take_response(key, ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], ARGV[at + 5]), 6
  elseif operation == 'overdueIqs' then
    return iq.overdue(key, ARGV[at + 2], tonumber(ARGV[at + 3])), 4
  elseif operation == 'endIq' then
    return iq.end_request(key, ARGV[at + 2], ARGV[at + 3]), 4
  elseif operation == 'forgetIq' then
    return iq.forget(key), 2
  elseif operation == 'knownCapabilities' then
    return iq.known_capabilities(key, ARGV[at + 2]), 3
  elseif operation == 'recordCapabilities' then
    return iq.record_capabilities(key, ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]), 5
  elseif operation == 'cancel' then
    return cancel(key, ARGV[at + 2], ARGV[at + 3], now, times.window, keep), 4
  elseif operation == 'retryNow' then
    return retry_now(key, ARGV[at + 2], now, lease_until, keep), 3
  elseif operation == 'erase' then
    -- A bare JID, '1' to count only, and how many records follow.
    local count = tonumber(ARGV[at + 3])
    return erase(key, ARGV[at + 2] == '1', at + 4, at + 3 + count), 4 + count
  elseif operation == 'release' then
    -- Members of the sorted set whose lease until `key` is given back.
    local count = tonumber(ARGV[at + 2])
    for position = at + 3, at + 2 + count do leases.release(ARGV[position], tonumber(key), now) end
    return 'done', 3 + count
  elseif operation == 'quarantine' then
    local value = read(key)
    if value and is_pending(value) then quarantine.put_aside(key) end
    return 'done', 2
  elseif operation == 'reported' then
    local count = tonumber(key)
    quarantine.reported(at + 2, at + 1 + count)
    return 'done', 2 + count
  elseif operation == 'forgetUser' then
    local count = tonumber(ARGV[at + 2])
    return forget_user(key, at + 3, at + 2 + count), 3 + count
  elseif operation == 'pause' then
    return pause(key), 2
  elseif operation == 'endCommandSession' then
    return command_session.close(key, ARGV[at + 2]), 3
  elseif operation == 'openCommandSession' then
    return command_session.open(key, ARGV[at + 2], ARGV[at + 3]), 4
  elseif operation == 'readCommandSession' then
    return command_session.read(key), 2
  end
  error('unknown operation ' .. tostring(operation))
end
end)

function further.run(operation, at)
  local result, width = run_sending(operation, at)
  if width then return result, width end
  return rare.run(operation, at)
end
end)

function others.run(operation, at)
  local result, width = run_usual(operation, at)
  if width then return result, width end
  return further.run(operation, at)
end
--- @include "step-over"
end)
--- @include "run-batch"
end
return carry_out()
end
return carry_out_any()
