-- Messages that are stored and receipts that end them come many in a row. A command costs Redis more than what it does, so the records
-- of a row are written with one, and read with one.
-- A row: these, each key once, in whichever shards, and `notified`, which looks at no record. What one of these stores no other of them
-- looks at in the usual case, so that it does not matter which comes first. What turns out to be another case is carried out by itself,
-- in its turn.
local ROWS = { accept = true, acceptCounted = true, settleAtHand = true }
-- `prepared`: where the row ends that was begun last; an error may have broken it off.
local ahead, prepared = {}, 0
lazily(ahead, function()
-- Lua's stack takes no more than about 8,000 at a time; three of ARGV are one operation.
local LONGEST = 3000
-- Names of records that were written for an operation which is still to come, also when one before it was given up.
local stored = {}

-- Whether nothing is known of this message; an error is the operation's own, and comes up in its turn.
local function is_new(key)
  local looked, digest = pcall(delivered.digest_of, key)
  return looked and digest == nil
end

-- Reads and writes what the row needs. Returns where it ends, the names of the records by place of the operation, and the records of what
-- is to be settled by name.
local function prepare()
  local names, seen, new, asked, found = {}, {}, {}, {}, {}
  local looked, has_none = pcall(delivered.has_none)
  local ends = at
  while ends + 2 <= last and ends - at < LONGEST do
    local operation, key = ARGV[ends], ARGV[ends + 1]
    if ROWS[operation] then
      local name = record_name(key)
      if seen[name] then break end
      seen[name], names[ends] = true, name
      if operation == 'settleAtHand' then asked[#asked + 1] = name
      elseif not stored[name] and ((looked and has_none) or is_new(key)) then
        local place = #new
        new[place + 1], new[place + 2] = name, ARGV[ends + 2]
      end
      ends = ends + 3
    elseif operation == 'shard' and KEYS[tonumber(key) or 0] then
      shards.use(tonumber(key))
      looked, has_none = pcall(delivered.has_none)
      ends = ends + 2
    elseif operation == 'notified' and (tonumber(key) or 0) >= 1 and ends + 1 + tonumber(key) <= last then
      ends = ends + 2 + tonumber(key)
    else
      break
    end
  end
  shards.use(batch_shard)
  if #asked > 1 then
    local values = call('MGET', unpack(asked))
    for place = 1, #asked do found[asked[place]] = values[place] end
  end
  -- All of them or none.
  if #new > 2 and call('MSETNX', unpack(new)) == 1 then
    for place = 1, #new, 2 do stored[new[place]] = true end
  end
  return ends, names, found
end

-- As `settle`, of a record of which no copy is known to be out, and whose place in the sorted set serves for the notice as well. Returns
-- whether it was one.
local function settle_plainly(name, value, ending)
  -- Pending, nothing handed over, owes a receipt, no copy, first attempt.
  if sub(value, 1, 10) ~= '2p01000001' or sub(value, 11, HEAD) <= lately then return false end
  local payload = find(value, PAYLOAD, HEAD + 1, true)
  if not payload then return false end
  call('SET', name, FORMAT .. 'd' .. sub(value, 3, payload - 1) .. ENDING .. ending, 'PX', window_text)
  count_pending(value, -1)
  return true
end

-- Carries out the row that begins at `at`. An error leaves `at` at the operation that it came from.
function ahead.run()
  local ends, names, found = prepare()
  prepared = math.max(prepared, ends)
  while at < ends do
    local name, key = names[at], ARGV[at + 1]
    local value = name and found[name]
    if name and stored[name] then
      stored[name] = nil
      gather_due(lease_text, key)
      count_pending(ARGV[at + 2], 1)
      results[#results + 1] = 'stored'
      at = at + 3
    elseif value and #key == KEY and settle_plainly(name, value, ARGV[at + 2]) then
      results[#results + 1] = 'delivered-at-hand\000000001'
      at = at + 3
    else
      if value and is_pending(value) then read_ahead[name] = value
      -- It may look at what others have, and change it.
      elseif name then found = {} end
      step()
    end
  end
end
end)
