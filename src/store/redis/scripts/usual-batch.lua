-- What one turn of the event loop has for the ledger where all of it takes the usual course: batch.lua without the parts for
-- operations that are few. Redis makes each function of a script anew at each call, which is half of what a call costs that
-- carries one message.
-- KEYS, ARGV, reply: as batch.lua. Operations: those of include/usual-operations.lua.
-- Complexity: as batch.lua.
--- @include "batch-arguments"
--- @include "usual-operations"
run = function(operation, at)
  local result, width = run_usual(operation, at)
  if width then return result, width end
  error('unknown operation ' .. tostring(operation))
end
--- @include "run-batch"
