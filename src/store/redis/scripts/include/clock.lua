--- @include "replies"
-- The ledger's time: Redis' own clock, read in the same atomic step that uses it, plus an offset that takes out the steps
-- of that clock. clock.ts has the other half: it compares this time with a monotonic clock.
-- <prefix>:clock STRING: '<offset ms> <latest time ms> <epoch>'; the epoch is the number of steps taken out so far.
-- A call that is carried out so long after it was written (ms) is not carried out: either Redis stood still, or its clock
-- was set forward, and only the caller's monotonic clock tells which.
local LATE = 10000
-- By how much (ms) the time may fall short of what the caller expects when a step forward is taken out.
local BACK_SINCE = 2000
-- How often the latest time is written down, ms; a clock that is set back can cost so much.
local NOTE_EVERY = 500
-- All shards of one server have one clock.
local clock_name = KEYS[1] .. ':clock'

-- Reads the time. `hint`: '<expected ms>:<epoch>:<shift ms>', each possibly empty, or '=<ms>' to be believed (for tests).
-- `shift` is how far the clock was found to have been set forward. Returns the time and the epoch, and whether the call
-- is on time.
local function ledger_time(hint)
  if hint:sub(1, 1) == '=' then return tonumber(hint:sub(2)), 0, true end
  local expected, known_epoch, shift = hint:match('^(%-?%d*):(%d*):(%-?%d*)$')
  local clock = redis.call('TIME')
  -- Arithmetic takes a text for its number, in half the time that `tonumber` takes.
  local wall = clock[1] * 1000 + math.floor(clock[2] / 1000)
  local saved = redis.pcall('GET', clock_name)
  local offset, latest, epoch = 0, 0, 0
  if type(saved) == 'string' then
    local o, l, e = saved:match('^(%-?%d+) (%d+) (%d+)$')
    if o then offset, latest, epoch = o + 0, l + 0, e + 0 end
  end
  local time = wall + offset
  local mine = tonumber(known_epoch) == epoch
  local changed = false
  -- A clock that has been set back since, or another Redis', needs no more taken out.
  if mine and shift ~= '' and time - tonumber(shift) + BACK_SINCE >= tonumber(expected) then
    offset, latest, epoch, changed = offset - tonumber(shift), 0, epoch + 1, true
  end
  local time = wall + offset
  if mine and not changed and expected ~= '' and time > expected + LATE then return time, epoch, false end
  if time < latest then
    -- Set back. By less than a second it is no step, and time stands still for as long.
    if latest - time > 1000 then offset, epoch, changed = offset + latest - time, epoch + 1, true end
    time = latest
  end
  if changed or time - latest >= NOTE_EVERY then
    redis.call('SET', clock_name, string.format('%.0f %.0f %.0f', offset, time, epoch))
  end
  return time, epoch, true
end

-- What a script that is told the time replies first.
local function stamp(outcome, now, epoch) return string.format('%s\0%s\0%d\0%d', outcome, REPLIES, now, epoch) end
