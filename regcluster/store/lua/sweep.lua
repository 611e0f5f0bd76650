-- Removes overdue bindings of one address-of-record. Whoever calls has read the index a moment ago;
-- whether a binding is overdue is asked again here, so that a refresh beats an expiry.
--
-- KEYS   1    bindings: hash, binding key -> value
--        2    index: sorted set, <aor> LF <binding key> scored by expires_at
--        3    feed: stream of changes
-- ARGV   1    aor
--        2    entries to keep in the feed, about
--        3    what a value has behind its instants where Redis has forgotten the binding
--        4... binding keys that the index had as overdue
-- Reply  now in ms, then of each binding removed when it had expired
--
-- Redis itself forgets a hash that nobody has swept for long, the index does not. Then the feed is
-- told what is still known: key and expiry. The layout of a value stands at the top of save.lua.

local bindings, index, feed = KEYS[1], KEYS[2], KEYS[3]
local aor = ARGV[1]

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local reply = {string.format('%d', now)}
for i = 4, #ARGV do
  local key = ARGV[i]
  local member = aor .. '\n' .. key
  local value = redis.call('HGET', bindings, key)
  local expires_at = value and value:sub(2, 14)
  if not value then
    -- Nil if another sweeper was first.
    local score = redis.call('ZSCORE', index, member)
    if score then
      expires_at = string.format('%013d', score)
      value = '1' .. expires_at .. expires_at .. expires_at .. ARGV[3]
    end
  elseif tonumber(expires_at) > now then
    -- Refreshed. The index says so too, unless it had it wrong, and then it would be swept for ever.
    redis.call('ZADD', index, expires_at, member)
    value = nil
  end
  if value then
    redis.call('HDEL', bindings, key)
    redis.call('ZREM', index, member)
    redis.call('XADD', feed, 'MAXLEN', '~', ARGV[2], '*',
      'kind', 'expired', 'aor', aor, 'key', key, 'value', value)
    reply[#reply + 1] = expires_at
  end
end
return reply
