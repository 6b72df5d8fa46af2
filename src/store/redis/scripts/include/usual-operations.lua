--- @include "operations"
--- @include "accept"
--- @include "quota-check"
--- @include "settle"
-- The operations of messages that take their usual course.
-- Returns the operation's result and how many of ARGV it takes; nothing when it is not one of these. Those that look into the sorted
-- sets see what was gathered for them.
local function run_usual(operation, at)
  local key = ARGV[at + 1]
  if operation == 'accept' then
    return accept(key, '', ARGV[at + 2], lease_text, keep, false), 3
  elseif operation == 'settleAtHand' then
    return settling.settle(key, ARGV[at + 2], key, lately, lease_text, window_text), 3
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
  elseif operation == 'sequenceGap' and redis.call('EXISTS', name_of('copies', key), name_of('asked', key)) == 0 then
    -- Nothing is out to him that could have been passed over, and none of his sessions was taken for silent: so it is with nearly all
    -- who confirm what they get, and these are looked at once a second each. session-available.lua has what is done for the others.
    return 'gap\0' .. '0', 7
  end
end
