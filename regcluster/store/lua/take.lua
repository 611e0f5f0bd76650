-- Hands out what has expired in one feed, each event to one taker, who acknowledges it (XACK) once
-- it is dealt with. What nobody has acknowledged for too long is handed out again.
--
-- KEYS   1  feed: stream of changes
-- ARGV   1  group that shares the events out; all takers are one consumer of it
--        2  where the group begins if it is not there: "$", or "0" for the oldest entry
--        3  entries to read in one go
--        4  for how long an event is its taker's alone, ms; empty: no look for those left behind
-- Reply  1 if there may be more, else 0; then each event, as XRANGE gives it
--
-- Events of other kinds are acknowledged here: a feed holds a hundred changes to one expiry.

local feed, group, begin, length, patience = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local consumer = 'regcluster'

-- Bounds what one call costs the server's other users.
local rounds = 20

local reply = {0}

local function sift(entries)
  local done = {}
  for i = 1, #entries do
    local id, fields = entries[i][1], entries[i][2]
    local kind
    -- Before Redis 7 an entry that was cut off meanwhile is handed out without its fields.
    for j = 1, fields and #fields or 0, 2 do
      if fields[j] == 'kind' then kind = fields[j + 1] end
    end
    if kind == 'expired' then
      reply[#reply + 1] = entries[i]
    else
      done[#done + 1] = id
    end
  end
  if #done > 0 then redis.call('XACK', feed, group, unpack(done)) end
end

for _ = 1, rounds do
  local new = redis.pcall('XREADGROUP', 'GROUP', group, consumer, 'COUNT', length,
    'STREAMS', feed, '>')
  if new and new.err then
    if not new.err:find('NOGROUP', 1, true) then return new end
    redis.call('XGROUP', 'CREATE', feed, group, begin, 'MKSTREAM')
  else
    local entries = new and new[1][2] or {}
    sift(entries)
    reply[1] = #entries == tonumber(length) and 1 or 0
    if #reply > 1 or reply[1] == 0 then break end
  end
end

if patience ~= '' and #reply == 1 then
  local left = redis.call('XAUTOCLAIM', feed, group, consumer, patience, '0-0', 'COUNT', length)
  local there = {}
  for i = 1, #left[2] do
    if left[2][i] then there[#there + 1] = left[2][i] end
  end
  sift(there)
  if #there > 0 then reply[1] = 1 end
end
return reply
