--- @include "claim"
--- @include "hand-over"
--- @include "leases"
-- The operations of messages that are sent again, or are not confirmed at once.

-- As run_usual.
local function run_sending(operation, at)
  local key = ARGV[at + 1]
  if operation == 'handOver' then
    local attempt, copies, by_timetable, unconfirmed = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5])
    return hand_overs.note(key, attempt, copies, by_timetable, unconfirmed, ARGV[at + 6], ARGV[at + 7], ARGV[at + 8] == '1', ARGV[at + 9], tonumber(ARGV[at + 10]), tonumber(ARGV[at + 11]), now, ttl, keep), 12
  elseif operation == 'claim' then
    flush_all()
    return claims.claim(key, tonumber(ARGV[at + 2]), now, lease_until, ttl, ARGV[at + 3], keep), 4
  elseif operation == 'bounce' then
    return hand_overs.bounce(key, now, keep), 2
  elseif operation == 'bringForward' then
    flush_all()
    return leases.bring_forward(key, tonumber(ARGV[at + 2]), ARGV[at + 3]), 4
  end
end
