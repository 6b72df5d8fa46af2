-- Carries out all operations of ARGV by `run`, and gives what they came to.

-- Carries out the operation at `at` by itself.
local function step()
  local result, width = run(ARGV[at], at)
  results[#results + 1] = tostring(result)
  at = at + width
end
--- @include "run-ahead"

-- Carries out what is left. An error leaves `at` at the operation that it came from: one protected call for all of them costs
-- less than one for each.
local function run_all()
  while at <= last do
    if width_in_row(at) then run_row() else step() end
  end
end

while at <= last do
  local done, problem = pcall(run_all)
  if not done then
    -- What has come before it in a row is done.
    local written, trouble = pcall(write_ended)
    if not written then problem = trouble end
    problem = others.step_over(tostring(type(problem) == 'table' and problem.err or problem))
    if problem then return redis.error_reply(problem) end
  end
end
flush_all()
write_ages()
delivered.remember(true)
if delivered.is_used then delivered.keep_up(0) end
-- Replies would be taken for others' otherwise.
if at ~= last + 1 then return redis.error_reply('ERR the arguments of the operations do not add up') end
return results
