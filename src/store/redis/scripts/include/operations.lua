-- What a batch may be asked to do: how each operation is written in ARGV, its name first.
-- Those that look into the sorted sets must see what was gathered for them. Messages, receipts and hand-overs, which come
-- all mixed up, do not: what one of them changes there, no other of the same batch asks for.
local SEES_SETS = {}
for operation in ('c n r x v w l tell g k y cancel retry erase release q supersede'):gmatch('%S+') do SEES_SETS[operation] = true end

-- How many of ARGV an operation takes, for one that did not come to its end.
local function width_of(operation, at)
  local widths = {
    a = 3, ac = 3, s = 3, A = 5, S = 6, correct = 6, mention = 4, supersede = 2, h = 10, c = 4, b = 2, n = 4, r = 3, x = 3, v = 2, w = 3, i = 5, l = 7, tell = 3, g = 7, k = 7,
    ['iq?'] = 7, ['iq='] = 6, ['iq<'] = 4, ['iq-'] = 2, ['iq!'] = 4, ['caps?'] = 3, ['caps='] = 5, cancel = 4, retry = 3, pause = 2, over = 3, q = 2,
    ['session+'] = 4, ['session?'] = 2,
  }
  if widths[operation] then return widths[operation] end
  if operation == 'within' or operation == 'within+' then
    local inner = width_of(ARGV[at + 6], at + 6)
    return inner and 6 + inner
  end
  if operation == 't' or operation == 'named' then return 2 + tonumber(ARGV[at + 1]) end
  if operation == 'y' then return 3 + tonumber(ARGV[at + 1]) end
  if operation == 'P' or operation == 'forget' or operation == 'release' then return 3 + tonumber(ARGV[at + 2]) end
  if operation == 'erase' then return 4 + tonumber(ARGV[at + 3]) end
  return nil
end
