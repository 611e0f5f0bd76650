-- Removes bindings of one address-of-record because the connection they were bound over is no more.
-- Whoever calls has read them; one that has another value by now was refreshed, and stays.
--
-- KEYS   1    bindings: hash, binding key -> value
--        2    index: sorted set, <aor> LF <binding key> scored by expires_at or earlier
--        3    feed: stream of changes
--        4    flows: sorted set of the AORs bound over connections of one owner
-- ARGV   1    aor
--        2    how long the hash outlives its last binding, ms
--        3    entries to keep in the feed, about
--        4... two a binding: key, and the value that was read
-- Reply  how many were removed, now in ms as text
--
-- Overdue bindings go as well, as expired ones, and are not counted. The layout of a value stands
-- at the top of save.lua.

local bindings, index, feed, flows = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local aor = ARGV[1]

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local doomed = {}
for i = 4, #ARGV, 2 do
  doomed[ARGV[i]] = ARGV[i + 1]
end

local function remove(key, value, kind, ...)
  redis.call('HDEL', bindings, key)
  redis.call('ZREM', index, aor .. '\n' .. key)
  redis.call('XADD', feed, 'MAXLEN', '~', ARGV[3], '*',
    'kind', kind, 'aor', aor, 'key', key, 'value', value, ...)
end

local removed, latest = 0, 0
local stored = redis.call('HGETALL', bindings)
for i = 1, #stored, 2 do
  local key, value = stored[i], stored[i + 1]
  local expires_at = tonumber(value:sub(2, 14))
  if expires_at <= now then
    remove(key, value, 'expired')
  elseif doomed[key] == value then
    remove(key, value, 'removed', 'reason', 'owner')
    removed = removed + 1
  elseif expires_at > latest then
    latest = expires_at
  end
end
if latest > 0 then
  redis.call('PEXPIREAT', bindings, string.format('%d', latest + ARGV[2]))
end
redis.call('ZREM', flows, aor)
return {removed, string.format('%d', now)}
