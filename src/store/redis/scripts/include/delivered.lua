--- @include "stored-records"
--- @include "shards"
--- @include "digest-place"
-- Messages that were delivered, whose senders know it, and of which no record is kept any more: what is needed of them is that they
-- are known. keys.ts `ended` and `delivered` say how this is written.
-- A hash of about PER_BUCKET entries stays what Redis calls a listpack (up to 128, as it comes), which takes a sixth of the memory of a
-- table. So there are as many hashes as entries need: one is added by splitting the next in turn (linear hashing), a few at a time.
-- An entry bears the eighth of the window in which it was written, and is known for eight of them after that. Those that are over are
-- taken out as the hashes are looked through in turn, with what is added.
-- `is_used`: whether this script has asked for more of it than most do.
local delivered = { is_used = false }
-- For so long (ms) those that may be replaced are left, so that many are at once: for each shard that costs as much as for one.
local GATHERED_FOR = 1000
-- How the hashes of shards are spread, as it was written.
local saved_states = {}

local function saved_state()
  local saved = saved_states[prefix]
  if saved then return saved end
  local name = name_of('delivered')
  saved = readable(redis.pcall('GET', name), 'GET', name) or ''
  saved_states[prefix] = saved
  return saved
end

-- Whether nothing is known of any in the shard in use.
function delivered.has_none()
  local saved = saved_state()
  if saved == '' then return true end
  local count = match(saved, '^%d+ (%d+) %d+ %d+ %d+$')
  return count == nil or tonumber(count) == 0
end

-- Whether those of this mark have been told for long enough. Without a mark, as nobody writes it, they are taken for old ones: an error
-- would stop every call.
local function is_due(mark, longer) return (tonumber(sub(mark, 2)) or 0) <= times.now - times.kept_whole - longer end

-- Remembers those that were told of by this script, of all shards with the first, and `replaces` some that were before.
function delivered.remember(replaces)
  local name, told = KEYS[1] .. ':ended', gathered.told
  local count = #told
  if count == 0 then return end
  gathered.told = {}
  for first = 1, count, 4000 do
    on_own('RPUSH', name, string.format('@%d', times.now), unpack(told, first, math.min(first + 3999, count)))
  end
  local mark = replaces and on_own('LINDEX', name, 0)
  -- Lua's stack takes no more than about 8,000 at a time.
  if mark and is_due(mark, GATHERED_FOR) then delivered.replace_up_to(math.min(4000, math.max(2 * count, 20 * #KEYS))) end
end

lazily(delivered, function()
delivered.is_used = true
local PER_BUCKET, GENERATIONS, VISIT_EVERY, DIGEST_KEPT = 48, 8, 10, 10
local LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
-- Of each shard: how many hashes and entries there are, which hash is looked through next, the present eighth of the window, and since
-- when (ms); how many entries this script has added, and whether any of that is to be written. `state` is that of the shard in use.
local states, state = {}, nil

local function state_now()
  state = states[prefix]
  if state then return state end
  local saved = saved_state()
  local buckets, count, cursor, generation, since = match(saved, '^(%d+) (%d+) (%d+) (%d+) (%d+)$')
  if buckets then
    state = { buckets = tonumber(buckets), count = tonumber(count), cursor = tonumber(cursor), generation = tonumber(generation), since = tonumber(since) }
  else
    state = { buckets = 1, count = 0, cursor = 0, generation = 0, since = times.now }
  end
  states[prefix] = state
  state.added, state.changed = 0, false
  state.span = 1
  while state.span < state.buckets do state.span = state.span * 2 end
  local length = math.max(1, times.window / GENERATIONS)
  local passed = math.floor((times.now - state.since) / length)
  if passed > 0 then
    state.generation, state.since, state.changed = state.generation + passed, math.floor(state.since + passed * length), true
  end
  return state
end

-- 48 bits of a key, as text. A key begins with what all that lie in this shard have a part of.
local function field_of(key)
  if #key == KEY then return sub(key, 3, 10) end
  return sub(key, 3, 6) .. sub(key, -4)
end

local function bucket_name(place) return name_of('d', string.format('%d', place)) end

local function bucket_of(field) return bucket_name(digest_place(field, state.buckets, state.span)) end

local function is_over(entry)
  local letter = find(LETTERS, sub(entry, -1), 1, true)
  return not letter or (state.generation - letter + 1) % 64 > GENERATIONS
end

-- The beginning of the digest of what was delivered under this key, or '-' where that is not known; nil when nothing is known.
function delivered.digest_of(key)
  if state_now().count == 0 then return nil end
  local field = field_of(key)
  local name = bucket_of(field)
  local entry = readable(redis.pcall('HGET', name, field), 'HGET', name, field)
  if not entry or is_over(entry) then return nil end
  return sub(entry, 1, -2)
end

-- Whether such a beginning is that of this digest.
function delivered.is_of(beginning, digest) return beginning == sub(digest, 1, DIGEST_KEPT) end

function delivered.says(key, digest) return delivered.is_of(delivered.digest_of(key), digest) end

local replacing = {}
lazily(replacing, function()
local function note(key, digest)
  state_now()
  local field, letter = field_of(key), state.generation % 64 + 1
  local is_new = on_own('HSET', bucket_of(field), field, sub(digest, 1, DIGEST_KEPT) .. sub(LETTERS, letter, letter))
  state.count, state.added, state.changed = state.count + is_new, state.added + 1, true
end

local function unlist(from, key)
  local reply = redis.pcall('LREM', index_name(from), 0, key)
  -- What is no list is dealt with by whoever looks for a message by it (quarantine.lua); the others are not held up.
  if type(reply) == 'table' and not find(reply.err, 'WRONGTYPE', 1, true) then redis.call('LREM', index_name(from), 0, key) end
end

-- What leads to a record besides its name.
local function unlink(key, fields)
  if fields.alias ~= '' then
    note(fields.alias, '-')
    unlist(fields.alias, key)
  end
  if #key == KEY then return end
  local first = sub(key, 1, KEY)
  unlist(first, key)
  -- A duplicate is looked for under the first of its id.
  local digest = delivered.digest_of(first)
  if digest then note(first, digest) end
end

local function split_next()
  local place = state.buckets
  if place == state.span then state.span = state.span * 2 end
  local from, moved, fields = bucket_name(place - state.span / 2), {}, {}
  local flat = on_own('HGETALL', from)
  for at = 1, #flat, 2 do
    if digest_place(flat[at], state.span, state.span) == place then
      fields[#fields + 1] = flat[at]
      moved[#moved + 1] = flat[at]
      moved[#moved + 1] = flat[at + 1]
    end
  end
  if #moved > 0 then
    on_own('HSET', bucket_name(place), unpack(moved))
    redis.call('HDEL', from, unpack(fields))
  end
  state.buckets, state.changed = place + 1, true
end

-- Replaces those of these records that were delivered, and of which nothing is owed, by an entry each.
local function replace_records(keys)
  local names, gone = {}, {}
  for place, key in ipairs(keys) do names[place] = record_name(key) end
  local values = redis.call('MGET', unpack(names))
  local dues = redis.call('ZMSCORE', due_set, unpack(keys))
  -- Before they come: a hash that was once too long for a listpack is a table for ever.
  while state_now().count + #keys > PER_BUCKET * state.buckets do split_next() end
  for place, key in ipairs(keys) do
    local value = values[place]
    if value and not dues[place] and is_sound(value) and state_of(value) == 'd' then
      local fields = fields_of(value)
      note(key, fields.digest)
      unlink(key, fields)
      gone[#gone + 1] = names[place]
    elseif value and not dues[place] and not is_pending(value) then
      -- Nothing comes back to it, and it may be without a time limit (run-ahead.lua).
      redis.call('PEXPIRE', names[place], string.format('%.0f', times.window))
    end
  end
  if #gone > 0 then redis.call('DEL', unpack(gone)) end
end

-- The same with those of any shards.
function replacing.in_shards(keys)
  local parts = {}
  for _, key in ipairs(keys) do
    -- In Redis Cluster what is here is of this shard.
    local position = #KEYS == 1 and 1 or shards.of_key(key)
    local part = parts[position]
    if part then part[#part + 1] = key else parts[position] = { key } end
  end
  for position, part in pairs(parts) do
    shards.use(position)
    replace_records(part)
  end
end
end)

-- Up to `limit` of those in a list whose senders have known for long enough.
local function replace_due(name, limit)
  local mark = on_own('LINDEX', name, 0)
  if not mark or not is_due(mark, 0) then return end
  local items = redis.call('LRANGE', name, 0, limit)
  local keys, taken = {}, 0
  for place, item in ipairs(items) do
    if byte(item) == 64 then -- @
      if not is_due(item, 0) then break end
      mark = item
    else
      keys[#keys + 1] = item
    end
    taken = place
  end
  redis.call('LTRIM', name, taken, -1)
  -- The rest of those of this time.
  if taken == limit + 1 then redis.call('LPUSH', name, mark) end
  if #keys > 0 then replacing.in_shards(keys) end
end

function delivered.replace_up_to(limit)
  local current = shards.current
  replace_due(KEYS[1] .. ':ended', limit)
  shards.use(current)
end

-- Takes out of a hash what is over.
local function look_through(place)
  local name = bucket_name(place)
  local flat, over = on_own('HGETALL', name), {}
  for at = 1, #flat, 2 do
    if is_over(flat[at + 1]) then over[#over + 1] = flat[at] end
  end
  if #over == 0 then return end
  state.count, state.changed = state.count - redis.call('HDEL', name, unpack(over)), true
end

-- Looks through some of a shard's hashes with what was added to them, and writes how they are spread. `sweeps`: whether anything was or not.
local function keep_shard_up(sweeps)
  -- One that was only asked may have come to another eighth, too.
  state = sweeps and state_now() or states[prefix]
  if not state then return end
  if state.count > 0 and (state.added > 0 or sweeps) then
    for _ = 1, math.ceil(state.added / VISIT_EVERY) + (sweeps and 5 or 0) do
      look_through(state.cursor)
      state.cursor = (state.cursor + 1) % state.buckets
    end
    state.changed = true
  end
  if state.changed then
    redis.call('SET', name_of('delivered'), string.format('%d %d %d %d %.0f', state.buckets, math.max(0, state.count), state.cursor, state.generation, state.since))
  end
  state.added, state.changed = 0, false
end

-- At the end of a script that has asked for what is known, or (`least` is not 0) of a sweep: writes how that is spread, and replaces at
-- least so many.
function delivered.keep_up(least)
  local current = shards.current
  if least > 0 then
    delivered.remember(false)
    -- What stands with another shard was written while that one was by itself.
    for _, own in ipairs(KEYS) do replace_due(own .. ':ended', least) end
  end
  for position, own in ipairs(KEYS) do
    if states[own] or least > 0 then
      shards.use(position)
      keep_shard_up(least > 0)
    end
  end
  shards.use(current)
end
end)
