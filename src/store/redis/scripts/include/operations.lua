-- What a batch may be asked to do: the names of the operations in ARGV, and what follows each. An operation is named as its
-- request in store/contract.ts, where that has one form. What it replies stands with the function that carries it out; how a
-- reply is written, in replies.lua.
--
--   shard                position in KEYS: what follows is for that shard. Reply: done
--   accept               key, record
--   acceptCounted        as accept, under an id that a client may count
--   acceptAliased        key, record, alias, counted
--   acceptCorrection     key, record, alias, counted, target
--   withinQuota          key, sender, recipient, limits, why it is refused or '', then one of the four above.
--                        Reply: within, percentage that is taken, and its reply; refused, percentage, letter of the reason
--   settleAtHand         key, ending: as settle, of a record of that key that the caller has at hand
--   settle               key, ending, recipient to remember or '', key at hand or '', sender
--   settleByMention      key, ending, own key
--   settleUpTo           key, ending, sender, recipient, resource, cursor, whether what is earlier is only named
--   only                 token or '', then one of the six above or below that settle, prove or reject: it is of the record under its key
--                        alone, if that attempt has stored it ('': whichever did), and not of others that go by that key. Reply: its reply
--   supersede            key. Reply: done
--   settleTold           key, ending: as settle; its sender has had the receipt, and is owed nothing
--   settleToldAtHand     key, ending: as settleTold, of a record of that key that the caller has at hand, and of no other
--   prove                key, ending
--   keyOfHeld            key, token. Reply: key, which it is; or unknown
--   namedBy              key. Reply: list of keys and records without payloads
--   knowing              count, fields and values of its sender's hash of sessions, and one that stores a message. Reply: its reply
--   sessionsOf           user. Reply: list of fields and values of his hash of sessions, but those that tell of a priority
--   postponeNotice       key, state, sender: he is away. Reply: done
--   isKnown              key. Reply: yes, or no when no record goes by it
--   loadOf               sender. Reply: load, messages and bytes of his, and of his domain
--   handOver             key, attempt, copies, due by timetable, due when unconfirmed, sender, recipient, no-store, resource,
--                        when it was proved, and how long (ms) after its writing
--   claim                key, attempt, lease or '*'
--   bounce               key
--   reject               key, ending
--   expire               key, ending
--   withdraw             key, token. Reply: done
--   isTaken              key. Reply: yes, or no when neither a record nor a digest goes by it
--   readdress            key, sender's resource, sender's id, owes a receipt. Reply: done
--   bringForward         key, due, recipient. Reply: done
--   requeue              key
--   notified             count, members of the due set. Reply: done
--   release              lease, count, members. Reply: done
--   renewLease           count, lease, keys and attempts. Reply: done
--   quarantine           key. Reply: done
--   reported             count, keys. Reply: done
--   sessionAvailable     user, event, cursor, due, lease, retries
--   senderAvailable      user, cursor
--   anythingOut          count, users. Reply: list of those of them that sequenceGap has to look at
--   sequenceGap          user, resource, sender, later, due, cursor
--   explain              key
--   presence             name of a function of the table `presence`, count, its arguments: see subscriptions.lua, sessions.lua,
--                        session-checks.lua, probes.lua, processes.lua
--   recordIq takeIqResponse overdueIqs endIq forgetIq knownCapabilities recordCapabilities    see iq-requests.lua
--   cancel retryNow erase forgetUser pause openCommandSession readCommandSession endCommandSession    see administration.lua

local operations = {}
lazily(operations, function()
-- How many of ARGV an operation takes, for one that did not come to its end; nil where that cannot be known.
function operations.width_of(operation, at)
  local widths = {
    accept = 3, acceptCounted = 3, acceptAliased = 5, acceptCorrection = 6, settleAtHand = 3, settleTold = 3, settleToldAtHand = 3, settle = 6, settleByMention = 4,
    settleUpTo = 8, supersede = 2, prove = 3, keyOfHeld = 3, namedBy = 2, handOver = 12, claim = 4, bounce = 2, reject = 3, expire = 3, withdraw = 3, readdress = 5, isTaken = 2,
    bringForward = 4, requeue = 2, quarantine = 2, sessionAvailable = 7, senderAvailable = 3, sequenceGap = 7, recordIq = 7,
    takeIqResponse = 6, overdueIqs = 4, endIq = 4, forgetIq = 2, knownCapabilities = 3, recordCapabilities = 5, cancel = 4,
    explain = 2, sessionsOf = 2, postponeNotice = 4, isKnown = 2, loadOf = 2, retryNow = 3, pause = 2, openCommandSession = 4, readCommandSession = 2, endCommandSession = 3,
  }
  if widths[operation] then return widths[operation] end
  if operation == 'withinQuota' then
    local inner = operations.width_of(ARGV[at + 6], at + 6)
    return inner and 6 + inner
  end
  if operation == 'only' then
    local inner = operations.width_of(ARGV[at + 2], at + 2)
    return inner and 2 + inner
  end
  if operation == 'knowing' then
    local count = tonumber(ARGV[at + 1])
    local inner = count and count >= 0 and operations.width_of(ARGV[at + 2 + count], at + 2 + count)
    return inner and 2 + count + inner or nil
  end
  -- Where those say how many follow, and how many they have besides.
  local counted = {
    notified = { 1, 2 }, reported = { 1, 2 }, anythingOut = { 1, 2 }, renewLease = { 1, 3 }, presence = { 2, 3 }, forgetUser = { 2, 3 }, release = { 2, 3 },
    erase = { 3, 4 },
  }
  local place = counted[operation]
  local count = place and tonumber(ARGV[at + place[1]])
  return count and count >= 0 and place[2] + count or nil
end
end)
