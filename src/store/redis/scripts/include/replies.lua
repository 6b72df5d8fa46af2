-- How each operation of a batch, and each script, replies: a text that begins with the name of its outcome. Fields follow, each
-- after a NUL, which stands in no JID, no key, no id and no XML. A field is a text, a time (ms), a number, '1' or '0', or a record.
--   An outcome has a fixed number of fields; or these and a list, of groups of fields; or these and one that takes all that is
--   left: a record with its payload, which may have been damaged, or a reply within a reply.
--   fault, text                                        of any operation: it cannot be carried out for what it is, or what it found
--   carried-out or late, version, ms, epoch            the first of a batch's and of a sweep's: the time of the call; late, and the
--                                                      only one, when nothing was carried out as the call came late
--   as-usual                                           the second of a batch's, for all of several operations: each came to what it usually
--                                                      does (codec/usual-replies.ts), but for those whose number and own reply follow
-- store/redis/codec/replies.ts names all others, and takes nothing else.
-- Most are written where they are made, and not by a function of a list of fields: this is done for every message.
-- To be changed with the meaning of any reply, there and here.
local REPLIES = '1'

local function list_of(outcome, fields)
  if #fields == 0 then return outcome end
  return outcome .. '\0' .. table.concat(fields, '\0')
end
