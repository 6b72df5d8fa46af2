-- Messages that are stored and receipts that end them come many in a row. A command costs Redis more than what it does, so the records
-- of a row are written with one, and read with one.
-- A row: these, each key once, in whichever shards, and `notified` and `anythingOut`, which look at no record. What one of these stores no other of them
-- looks at in the usual case, so that it does not matter which comes first. What turns out to be another case is carried out by itself,
-- in its turn.
-- `withinQuota` is one of these where nothing is counted of its sender, which is usual, and his domain is within its share: no operation
-- of a row makes a sum greater. Sums are read with one command, too.
local ROWS = { accept = 3, acceptCounted = 3, settleAtHand = 3, settleToldAtHand = 3, withinQuota = 9 }
local SETTLES = { settleAtHand = true, settleToldAtHand = true }

-- How many of ARGV the operation at a place takes, if it can be one of a row.
local function width_in_row(place)
  local width = ROWS[ARGV[place]]
  if width == 9 and (ROWS[ARGV[place + 6]] ~= 3 or SETTLES[ARGV[place + 6]] or ARGV[place + 7] ~= ARGV[place + 1]) then return nil end
  return width
end
-- Where the row ends that was begun last; an error may have broken it off.
local prepared = 0
-- Lua's stack takes no more than about 8,000 at a time; three of ARGV are one operation.
local LONGEST = 3000
-- Messages before this place of ARGV are stored, but for those at places that are left out; also when an operation before them was given up.
local stored_to, left_out = 0, {}

-- What has to be looked at before some messages may be stored.
local ahead = {}
lazily(ahead, function()
-- Whether nothing is known of this message; an error is the operation's own, and comes up in its turn.
local function is_new(key)
  local looked, digest = pcall(delivered.digest_of, key)
  return looked and digest == nil
end

-- Whether one whose operation `withinQuota` is at this place is stored, and nothing has to be looked at for that but sums.
local function is_within(place)
  if ARGV[place + 5] ~= '' or not quota.has_none(ARGV[place + 2]) then return false end
  local looked, taken = pcall(quota.used, ARGV[place + 2], ARGV[place + 3], ARGV[place + 4])
  return looked and taken < 100
end

-- Reads what is taken of the quotas of those who have one. Returns whether it could be read.
local function read_sums(places)
  local fields, known = {}, {}
  local function ask(field)
    if not known[field] and not copies.sums[field] then
      known[field] = true
      fields[#fields + 1] = field
    end
  end
  for number = 1, #places do
    local place = places[number]
    if ARGV[place] == 'withinQuota' then
      local sender = ARGV[place + 2]
      ask(sender)
      if sub(ARGV[place + 4], -4) ~= ' 0 0' then ask('@' .. match(sender, '[^@]*$')) end
    end
  end
  return quota.read_ahead(fields)
end

-- Takes those out of which something may be known, or that may be beyond a quota. `new`: names and values; `places` and `positions`: where
-- the operation of each stands, and its shard.
function ahead.keep(new, places, positions, has_quotas)
  local has_none = {}
  local is_readable = has_quotas and read_sums(places)
  local kept, count = 0, #places
  for number = 1, count do
    local place, position, name, value = places[number], positions[number], new[2 * number - 1], new[2 * number]
    places[number], new[2 * number - 1], new[2 * number] = nil, nil, nil
    shards.use(position)
    if has_none[position] == nil then
      local looked, none = pcall(delivered.has_none)
      has_none[position] = looked and none
    end
    local is_kept = ARGV[place] ~= 'withinQuota' or (is_readable and is_within(place))
    if is_kept and (has_none[position] or is_new(ARGV[place + 1])) then
      kept = kept + 1
      places[kept], new[2 * kept - 1], new[2 * kept] = place, name, value
    else
      left_out[place] = true
    end
  end
end
end)

-- Stores these messages, whose operations are at these places: all of them, or none.
local function store(new, places, ends)
  if new[1] and call('MSETNX', unpack(new)) == 1 then
    stored_to = ends
  else
    for place = 1, #places do left_out[places[place]] = true end
  end
end

-- Reads and writes what the row needs. Returns where it ends, and the names of the records that are to be settled, and these, in their
-- order.
local function prepare()
  local seen, new, places, positions, asked = {}, {}, {}, {}, {}
  local ends, asked_count, new_count, looks, has_quotas = at, 0, 0, false, false
  local before = false
  while ends + 2 <= last and ends - at < LONGEST do
    local operation, key = ARGV[ends], ARGV[ends + 1]
    local width = width_in_row(ends)
    if width then
      if seen[key] or ends + width - 1 > last then break end
      seen[key] = true
      if SETTLES[operation] then
        asked_count = asked_count + 1
        asked[asked_count] = prefix .. '.' .. key
      else
        if before ~= prefix then
          before = prefix
          local looked, has_none = pcall(delivered.has_none)
          looks = looks or not (looked and has_none)
        end
        new_count = new_count + 1
        new[2 * new_count - 1], new[2 * new_count] = prefix .. '.' .. key, ARGV[ends + width - 1]
        places[new_count], positions[new_count] = ends, shards.current
        has_quotas = has_quotas or width == 9
      end
      ends = ends + width
    elseif operation == 'shard' and KEYS[tonumber(key) or 0] then
      shards.use(tonumber(key))
      ends = ends + 2
    elseif (operation == 'notified' or operation == 'anythingOut') and (tonumber(key) or 0) >= 1 and ends + 1 + tonumber(key) <= last then
      ends = ends + 2 + tonumber(key)
    else
      break
    end
  end
  local found = asked_count > 0 and call('MGET', unpack(asked)) or {}
  if looks or has_quotas then ahead.keep(new, places, positions, has_quotas) end
  shards.use(batch_shard)
  store(new, places, ends)
  return ends, asked, found
end

-- Names and tombstones of records that were settled and stand in Redis as they were. They are written before anything looks at a record,
-- and several have no time limit, as that would take a command for each: once their senders know it they go (delivered.lua), and before
-- that they are needed.
local ended_names_and_values = {}

local function write_ended()
  local all = ended_names_and_values
  if not all[1] then return end
  ended_names_and_values = {}
  if all[3] then call('MSET', unpack(all)) else call('SET', all[1], all[2], 'PX', window_text) end
end

-- Of the ten seconds (see count_pending) of which it was asked already: whether a record of theirs is of this lease's first third.
local fresh_tens = {}

local function is_fresh(value, ten)
  local fresh = sub(value, 11, HEAD) > lately
  -- All of them, if they are later than that.
  if ten > sub(lately, 1, -5) then fresh_tens[ten] = true end
  return fresh
end

-- As `settle`, of a record of which no copy is known to be out, and whose place in the sorted set serves for the notice as well, or
-- whose sender has been told. Returns whether it was one.
local function settle_plainly(name, key, value, ending, is_told)
  local ten = sub(value, 11, HEAD - 4)
  if is_told then
    -- Pending, nothing handed over, no copy, first attempt.
    if sub(value, 1, 3) ~= '2p0' or sub(value, 5, 10) ~= '000001' then return false end
  -- Such a one that owes a receipt.
  elseif sub(value, 1, 10) ~= '2p01000001' or not (fresh_tens[ten] or is_fresh(value, ten)) then return false end
  local payload = find(value, PAYLOAD, HEAD + 1, true)
  if not payload then return false end
  local all = ended_names_and_values
  local count = #all
  all[count + 1], all[count + 2] = name, FORMAT .. 'd' .. sub(value, 3, payload - 1) .. ENDING .. ending
  tens[ten] = (tens[ten] or 0) - 1
  if is_told then
    gather_over(key)
    gather_told(key)
  end
  return true
end

-- Carries out the row that begins at `at`, or what an error has left of one: that is not looked at ahead again, since each operation may
-- end so, and would cost as much as all that follow it. An error leaves `at` at the operation that it came from.
local function run_row()
  local ends, asked, found = prepared, {}, {}
  if at >= prepared then
    ends, asked, found = prepare()
    prepared = ends
    -- An argument is missing.
    if ends == at then return step() end
  end
  local place, count = 0, #results
  while at < ends do
    local operation, name, value = ARGV[at], nil, nil
    local settles = SETTLES[operation]
    if settles then
      place = place + 1
      name, value = asked[place], found[place]
    end
    local width = ROWS[operation]
    if value and #ARGV[at + 1] == KEY and settle_plainly(name, ARGV[at + 1], value, ARGV[at + 2], operation == 'settleToldAtHand') then
      count = count + 1
      results[count] = 'delivered-at-hand\000000001'
      at = at + 3
    elseif width and not settles and at < stored_to and not left_out[at] then
      local result = 'stored'
      if width == 9 then result = 'within\0' .. quota.used(ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]) .. '\0stored' end
      local due = gathered.due
      local due_count = #due
      due[due_count + 1], due[due_count + 2] = lease_text, ARGV[at + 1]
      count_pending(ARGV[at + width - 1], 1)
      count = count + 1
      results[count] = result
      at = at + width
    elseif not width then
      -- No record is looked at.
      step()
      count = count + 1
    else
      if value and sub(value, 1, 2) == '2p' then read_ahead[name] = value
      -- It may look at what others have, and change it.
      else found = {} end
      write_ended()
      step()
      count = #results
    end
  end
  write_ended()
end
