-- In which of the hashes of delivered.lua a field stands. `span`: the least power of 2 that is no less than `buckets`, how many there are.
local function digest_place(field, buckets, span)
  -- For every message: all at once, since each call costs.
  local a, b, c, d, e, f, g, h = string.byte(field, 1, 8)
  local place = (((((((a * 33 + b) * 33 + c) * 33 + d) * 33 + e) * 33 + f) * 33 + g) * 33 + h) % span
  return place >= buckets and place - span / 2 or place
end
