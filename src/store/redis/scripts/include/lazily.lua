-- Redis makes each function of a script anew at every call of it: all of them would take longer than one message does. So most are
-- members of tables, one for each part, and made when a member is first asked for that is not there yet.
local LAZY = {}

function LAZY.__index(part, name)
  setmetatable(part, nil)
  for _, make in ipairs(part) do make() end
  return part[name]
end

-- `make` gives the table what it has not from the first.
local function lazily(part, make)
  part[#part + 1] = make
  setmetatable(part, LAZY)
end
