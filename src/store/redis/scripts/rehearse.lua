-- Tries commands on a key of its own. What else is wrong with a call (a missing argument, another type) is no matter.
-- KEYS: the prefix of all names.
-- ARGV: for each command how many arguments it takes, its name, and those; `%k` stands for the key.
-- Reply: `list` and the names of those that the user of this connection may not give, or that Redis does not know.
-- Complexity: O(n) for n commands.
--- @include "keys"
--- @include "replies"
local key = name_of('rehearsal')
local denied = {}
local at = 1
while at <= #ARGV do
  local count = tonumber(ARGV[at])
  local call = { ARGV[at + 1] }
  for i = 1, count do
    local argument = ARGV[at + 1 + i]
    call[#call + 1] = argument == '%k' and key or argument
  end
  local reply = redis.pcall(unpack(call))
  local said = type(reply) == 'table' and reply.err or ''
  if said:find('NOPERM', 1, true) or said:find('user executing the script', 1, true) or said:find('Unknown Redis command', 1, true) then
    denied[#denied + 1] = call[1]
  end
  at = at + 2 + count
end
return list_of('list', denied)
