-- Which process is connected to the server where one is at a time: the one whose name stands in Redis, until its time is over.
-- KEYS: the prefix of all names.
-- ARGV: the process' name; for how long it may be connected, ms, or 0 when it gives that up.
-- Reply: `granted`; `other`, while another process is; `free`, when it was given up. See include/replies.lua.
-- Complexity: O(1).
--- @include "keys"
local name = name_of('connected')
-- A command that frees memory, and be it none, comes first: Redis then lets the others through at its memory limit.
redis.call('DEL', name_of('rehearsal'))
local process = redis.call('GET', name)
if process and process ~= ARGV[1] then return 'other' end
if ARGV[2] == '0' then
  redis.call('DEL', name)
  return 'free'
end
redis.call('SET', name, ARGV[1], 'PX', ARGV[2])
return 'granted'
