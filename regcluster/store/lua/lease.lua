-- Renews the lease of one worker, and tells of all leases there are.
--
-- KEYS   1    leases: sorted set, <node>/<worker>.<epoch> scored by when its lease ends, ms
-- ARGV   1    the worker
--        2    how long its lease shall last from now, ms; 0: it ends, and the worker with it
--        3... workers of whom nothing is left: those without a lease are forgotten
-- Reply  now in ms, when the lease would have ended (empty if there was none), then each worker and
--        when its lease ends
--
-- A worker whose lease has ended stays in the set until what it has left behind is cleared away.

local leases, worker = KEYS[1], ARGV[1]

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local before = redis.call('ZSCORE', leases, worker)
-- Who ends by itself has closed its connections: no need to wait for it.
local ends_at = ARGV[2] == '0' and 0 or now + ARGV[2]
redis.call('ZADD', leases, string.format('%d', ends_at), worker)
for i = 3, #ARGV do
  local left = redis.call('ZSCORE', leases, ARGV[i])
  if left and tonumber(left) <= now then
    redis.call('ZREM', leases, ARGV[i])
  end
end

local reply = {string.format('%d', now), before or ''}
local all = redis.call('ZRANGE', leases, 0, -1, 'WITHSCORES')
for i = 1, #all do
  reply[#reply + 1] = all[i]
end
return reply
