-- ARGV: keys. Returns for each the newest record that goes by it, without its payload, or ''.
local results = {}
for position, key in ipairs(ARGV) do
  local newest = ''
  for _, candidate in ipairs(candidates(key, -MANY, true)) do
    if newest == '' or stored_at(candidate[2]) >= stored_at(newest) then newest = strip(candidate[2]) end
  end
  results[position] = newest
end
return results
