-- Removes one binding of an address-of-record, or all of them, because an operator says so: no
-- ordering rule is asked.
--
-- KEYS   1  bindings: hash, binding key -> value
--        2  index: sorted set, <aor> LF <binding key> scored by expires_at or earlier
--        3  feed: stream of changes
-- ARGV   1  aor
--        2  ruid of the binding to remove; empty: every binding
--        3  how long the hash outlives its last binding, ms
--        4  entries to keep in the feed, about
-- Reply  how many were removed, now in ms as text
--
-- Overdue bindings go as well, as expired ones, and are not counted. The layout of a value stands
-- at the top of save.lua.

local bindings, index, feed = KEYS[1], KEYS[2], KEYS[3]
local aor, ruid = ARGV[1], ARGV[2]

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function remove(kind, key, value)
  redis.call('HDEL', bindings, key)
  redis.call('ZREM', index, aor .. '\n' .. key)
  redis.call('XADD', feed, 'MAXLEN', '~', ARGV[4], '*',
    'kind', kind, 'aor', aor, 'key', key, 'value', value)
end

local removed, latest = 0, 0
local stored = redis.call('HGETALL', bindings)
for i = 1, #stored, 2 do
  local key, value = stored[i], stored[i + 1]
  local expires_at = tonumber(value:sub(2, 14))
  if expires_at <= now then
    remove('expired', key, value)
  elseif ruid == '' or value:match('^[^ \n]*', 67) == ruid then
    remove('removed', key, value)
    removed = removed + 1
  elseif expires_at > latest then
    latest = expires_at
  end
end
if latest > 0 then
  redis.call('PEXPIREAT', bindings, string.format('%d', latest + ARGV[3]))
end
return {removed, string.format('%d', now)}
