--- @include "stored-records"
--- @include "clock"
-- What a batch is given beside its operations, and when it is carried out. Returns at once when the call came late.
local ARGV, tostring = ARGV, tostring
if ARGV[9] == '0' then
  -- A command that frees memory, and be it none, comes first: Redis then lets the others through at its memory limit.
  redis.call('ZREM', due_set, '')
end
local now, epoch, on_time = ledger_time(ARGV[1])
if not on_time then return { stamp('late', now, epoch) } end
shards.count = tonumber(ARGV[10])
local lease = tonumber(ARGV[2])
local lease_until = now + lease
local window = tonumber(ARGV[3])
local retention = tonumber(ARGV[4])
local ttl = tonumber(ARGV[5])
local confirms_for = tonumber(ARGV[6])
local first_step = tonumber(ARGV[7])
local keep = window + ttl
-- As texts, which is how Redis takes them. `%d` is written in a fifth of the time that `%.0f` takes.
local lease_text, window_text = string.format('%d', lease_until), ARGV[3]
local lately = string.format('%d', now - lease * POLICY.FRESH_LEASE)
times.kept_whole = math.min(POLICY.DELIVERED_KEPT_WHOLE, window / 8)
times.now, times.window, times.retention, times.first_step, times.ttl = now, window, retention, first_step, ttl
local results = { stamp('carried-out', now, epoch) }
-- Where the next operation stands, and the last of ARGV.
local at, last = 11, #ARGV
-- The one of KEYS that the operations are for.
local batch_shard = 1
