--- @include "operations"
--- @include "accept"
--- @include "quota-check"
--- @include "settle"
-- The operations of messages that take their usual course.

-- Of users from one place of ARGV to another those to whom something is out that may have been passed over, or of whom a session was
-- asked whether it is there. Nearly always these are none of those who have confirmed what they got, so many are looked for with one
-- command; session-available.lua has what is done for the others. Reply: list.
local AT_ONCE = 16
local function anything_out(first, last)
  local found = {}
  if last > #ARGV then error('an argument is missing') end
  for from = first, last, AT_ONCE do
    local upto, names = math.min(from + AT_ONCE - 1, last), {}
    for place = from, upto do
      names[#names + 1], names[#names + 2] = name_of('copies', ARGV[place]), name_of('asked', ARGV[place])
    end
    if redis.call('EXISTS', unpack(names)) > 0 then
      for place = from, upto do
        local own = 2 * (place - from) + 1
        if redis.call('EXISTS', names[own], names[own + 1]) > 0 then found[#found + 1] = ARGV[place] end
      end
    end
  end
  return list_of('list', found)
end

-- Returns the operation's result and how many of ARGV it takes; nothing when it is not one of these. Those that look into the sorted
-- sets see what was gathered for them.
local function run_usual(operation, at)
  local key = ARGV[at + 1]
  if operation == 'accept' then
    return accept(key, '', ARGV[at + 2], lease_text, keep, false), 3
  elseif operation == 'settleAtHand' then
    return settling.settle(key, ARGV[at + 2], key, lately, lease_text, window_text), 3
  elseif operation == 'settleToldAtHand' then
    only = ''
    local result = settling.settle(key, ARGV[at + 2], key, lately, lease_text, window_text, true)
    only = false
    return result, 3
  elseif operation == 'only' then
    only = key
    local result, width = run(ARGV[at + 2], at + 2)
    only = false
    return result, 2 + width
  elseif operation == 'acceptCounted' then
    return accept(key, '', ARGV[at + 2], lease_text, keep, true), 3
  elseif operation == 'acceptAliased' then
    return accept(key, ARGV[at + 3], ARGV[at + 2], lease_text, keep, ARGV[at + 4] == '1'), 5
  elseif operation == 'withinQuota' then
    -- The operation that stores the message follows: with its key and value first, and then, if it has more, whether its id
    -- is one that a client counts.
    local stores = at + 6
    local countable = ARGV[stores] == 'acceptCounted' or (ARGV[stores] ~= 'accept' and ARGV[stores + 4] == '1')
    local taken, refused = quota.check(key, ARGV[stores + 2], countable, ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], ARGV[at + 5])
    if refused ~= '' then return 'refused\0' .. taken .. '\0' .. refused, 6 + operations.width_of(ARGV[stores], stores) end
    local result, width = run(ARGV[stores], stores)
    return 'within\0' .. taken .. '\0' .. result, 6 + width
  elseif operation == 'settle' then
    local result = settling.settle(key, ARGV[at + 2], ARGV[at + 4], lately, lease_text, window_text)
    if ARGV[at + 3] ~= '' and result ~= 'unknown' then
      flush_all()
      settling.remember_receipt_support(ARGV[at + 5], ARGV[at + 3], now, confirms_for, first_step)
    end
    return result, 6
  elseif operation == 'prove' then
    flush_all()
    return settling.prove(key, ARGV[at + 2], window_text), 3
  elseif operation == 'settleTold' then
    return settling.settle(key, ARGV[at + 2], '', lately, lease_text, window_text, true), 3
  elseif operation == 'withdraw' then
    flush_all()
    return duplicates.withdraw(key, ARGV[at + 2], now), 3
  elseif operation == 'readdress' then
    return duplicates.readdress(key, ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]), 5
  elseif operation == 'isTaken' then
    return duplicates.is_taken(key) and 'yes' or 'no', 2
  elseif operation == 'anythingOut' then
    local count = tonumber(key)
    return anything_out(at + 2, at + 1 + count), 2 + count
  end
end
