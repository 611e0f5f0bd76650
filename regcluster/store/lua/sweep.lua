-- Looks at bindings of one partition whose entries in the index are due: removes those that are
-- overdue, and moves the entries of those that were refreshed meanwhile. Whoever calls has read the
-- index a moment ago; all is asked again here, so that a refresh beats an expiry.
--
-- KEYS   1    index: sorted set, <aor> LF <binding key> scored by expires_at or earlier
--        2    feed: stream of changes
--        3... for each member of the index its AOR's bindings: hash, binding key -> value
-- ARGV   1    entries to keep in the feed, about
--        2    what a value has behind its instants where Redis has forgotten the binding
--        3... members of the index
-- Reply  now in ms, how many entries went or moved, then of each binding removed when it had expired
--
-- Redis itself forgets a hash that nobody has swept for long, the index does not. Then the feed is
-- told what is still known: the key, and since when it might be gone. The layout of a value stands
-- at the top of save.lua.

local call, find, sub = redis.call, string.find, string.sub
local index, feed = KEYS[1], KEYS[2]

-- When to look again at what cannot be read, ms. It is the one entry that may come too late.
local A_MINUTE = 60000

local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- A server out of memory refuses what may grow as a script's first write alone; this one, which does
-- nothing, is never refused, so that what is overdue can go and leave room.
call('ZREM', index, '')

local settled, gone = 0, {}
for i = 3, #KEYS do
  local bindings, member = KEYS[i], ARGV[i]
  local cut = find(member, '\n', 1, true) or #member + 1
  local key = sub(member, cut + 1)
  local value = redis.pcall('HGET', bindings, key)
  local expires_at = type(value) == 'string' and sub(value, 2, 14)
  if not value then
    -- Nil if a request, or another sweeper, was first.
    local due = call('ZSCORE', index, member)
    if due then
      expires_at = string.format('%013d', due)
      value = '1' .. expires_at .. expires_at .. expires_at .. ARGV[2]
    end
  end
  local ends = tonumber(expires_at)
  if value and not ends then
    -- Nothing of ours: neither can it be settled nor may it be in the way of others.
    settled = settled + call('ZADD', index, 'CH', string.format('%d', now + A_MINUTE), member)
  elseif value and ends > now then
    settled = settled + call('ZADD', index, 'CH', expires_at, member)
  elseif value then
    call('HDEL', bindings, key)
    call('ZREM', index, member)
    call('XADD', feed, 'MAXLEN', '~', ARGV[1], '*',
      'kind', 'expired', 'aor', sub(member, 1, cut - 1), 'key', key, 'value', value)
    settled = settled + 1
    gone[#gone + 1] = expires_at
  end
end
return {string.format('%d', now), settled, unpack(gone)}
