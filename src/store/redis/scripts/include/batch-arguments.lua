--- @include "clock"
-- What a batch is given beside its operations, and when it is carried out. Returns at once when the call came late.
-- What is done for every message is written with these: each name looked up in a table costs.
local ARGV, KEYS, tostring, call, sub, find = ARGV, KEYS, tostring, redis.call, string.sub, string.find
if not ARGV[10] then return redis.error_reply('ERR arguments of the batch are missing') end
if ARGV[9] == '0' then
  -- A command that frees memory, and be it none, comes first: Redis then lets the others through at its memory limit.
  redis.call('ZREM', KEYS[1] .. ':dues', '')
end
local now, epoch, on_time = ledger_time(ARGV[1])
if not on_time then return { stamp('late', now, epoch) } end
local lease = ARGV[2] + 0
local lease_until = now + lease
local window = ARGV[3] + 0
local kept_whole = math.min(POLICY.DELIVERED_KEPT_WHOLE, window / 8)
-- As texts, which is how Redis takes them. `%d` is written in a fifth of the time that `%.0f` takes.
local lease_text, window_text = string.format('%d', lease_until), ARGV[3]
local lately = string.format('%d', now - lease * POLICY.FRESH_LEASE)
local results = { stamp('carried-out', now, epoch) }
-- Where the next operation stands, and the last of ARGV.
local at, last = 11, #ARGV
