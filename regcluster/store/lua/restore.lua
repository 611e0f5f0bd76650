-- Puts back one binding that an export, or another registrar, has kept. Who has been heard of since
-- knows better: what is stored and as new stays. Neither ordering nor limits are asked about.
--
-- KEYS   1  bindings: hash, binding key -> value
--        2  index: sorted set, <aor> LF <binding key> scored by expires_at or earlier
--        3  feed: stream of changes
--        4  only for a connection that is the one way back: flows, sorted set of the AORs bound over
--           connections of its owner, scored by when the last binding expires
-- ARGV   1  aor
--        2  how long the hash outlives its last binding, ms
--        3  entries to keep in the feed, about
--        4  binding key
--        5  value
-- Reply  added, refreshed (an older one stood there), kept or expired
--
-- The layout of a value stands at the top of save.lua.

local bindings, index, feed, flows = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local aor, grace, key, value = ARGV[1], ARGV[2], ARGV[4], ARGV[5]

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local instant = string.format('%d', now)

local function tell(kind, what)
  redis.call('XADD', feed, 'MAXLEN', '~', ARGV[3], '*',
    'kind', kind, 'aor', aor, 'key', key, 'value', what)
end

local expires_at = value:sub(2, 14)
if tonumber(expires_at) <= now then return 'expired' end
-- Another store's clock may be ahead; nothing here was written in the future.
if tonumber(value:sub(15, 27)) > now then
  value = value:sub(1, 14) .. instant .. value:sub(28)
end
if tonumber(value:sub(28, 40)) > now then
  value = value:sub(1, 27) .. instant .. value:sub(41)
end

local stored = redis.call('HGET', bindings, key)
local is_alive = stored and tonumber(stored:sub(2, 14)) > now
if is_alive and tonumber(stored:sub(15, 27)) >= tonumber(value:sub(15, 27)) then return 'kept' end

redis.call('HSET', bindings, key, value)
redis.call('ZADD', index, expires_at, aor .. '\n' .. key)
local forgotten_at = string.format('%d', expires_at + grace)
local longest = forgotten_at - now
if redis.call('PTTL', bindings) < longest then
  redis.call('PEXPIREAT', bindings, forgotten_at)
end
if flows then
  local score = redis.call('ZSCORE', flows, aor)
  if not score or tonumber(score) < tonumber(expires_at) then
    redis.call('ZADD', flows, expires_at, aor)
  end
  if redis.call('PTTL', flows) < longest then redis.call('PEXPIREAT', flows, forgotten_at) end
end

if not is_alive then
  if stored then tell('expired', stored) end
  tell('added', value)
  return 'added'
end
-- The ruid may be another one.
if stored:sub(67) ~= value:sub(67) then tell('changed', value) end
return 'refreshed'
