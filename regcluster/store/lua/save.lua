-- Applies one REGISTER to one address-of-record, all or nothing (RFC 3261 section 10.3, steps 6
-- and 7). Everything is decided first and written after that, so a refusal has touched nothing but
-- bindings that were overdue, and a server out of memory refuses before the first write.
--
-- KEYS   1    bindings: hash, binding key -> value
--        2    index: sorted set, <aor> LF <binding key> scored by expires_at
--        3    feed: stream of changes
-- ARGV   1    aor
--        2    digest of the Call-ID, 16 characters
--        3    CSeq, 10 digits
--        4    how long an equal CSeq is a retransmission, ms
--        5    bindings the aor may hold; 0: any number
--        6    how long the hash outlives its last binding, ms
--        7    entries to keep in the feed, about
--        8    "1": remove every binding, and no contact follows
--        9... four a contact: binding key, lifetime in ms (0: remove), ruid if it is new, LF .. tail
-- Reply  outcome, now in ms, then key and value of each binding that is alive
--
-- A value is a head of fixed width, a ruid, and a tail that is opaque here (codec.py):
--   version 1, expires_at 2-14, modified_at 15-27, created_at 28-40, cseq 41-50, digest 51-66,
--   ruid 67-, LF, tail
-- A binding key is <strict part> or <strict part> SP <parameter>;<parameter>... (binding.py).
--
-- It runs for every REGISTER. What a request does not need, such as closures, is not made for it.

local call, sub, find, format = redis.call, string.sub, string.find, string.format
local bindings, index, feed = KEYS[1], KEYS[2], KEYS[3]
local aor, digest, cseq = ARGV[1], ARGV[2], ARGV[3]

-- The least live key that section 19.1.4 calls equal to a key that is not there itself: the strict
-- parts are the same text, and no parameter named in both has two values.
local function equal(live, key)
  local cut = key:find(' ', 1, true) or #key + 1
  local strict, named, least = key:sub(1, cut - 1), {}, nil
  for name, rest in key:sub(cut + 1):gmatch('([^;=]+)([^;]*)') do
    named[name] = rest
  end
  for other in pairs(live) do
    if other:sub(1, cut - 1) == strict and (#other < cut or other:byte(cut) == 32) then
      local agree = true
      for name, rest in other:sub(cut + 1):gmatch('([^;=]+)([^;]*)') do
        agree = agree and (named[name] or rest) == rest
      end
      if agree then
        local at = 1
        while least and at <= #other and other:byte(at) == least:byte(at) do at = at + 1 end
        -- Byte by byte: "<" would ask the server's locale.
        if not least or (other:byte(at) or -1) < (least:byte(at) or -1) then least = other end
      end
    end
  end
  return least
end

local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local instant = format('%d', now)

-- live: value by key, as the request leaves them. Overdue bindings count as absent.
local live, count, overdue = {}, 0, nil
local stored = call('HGETALL', bindings)
for i = 1, #stored, 2 do
  local value = stored[i + 1]
  if tonumber(sub(value, 2, 14)) > now then
    live[stored[i]] = value
    count = count + 1
  else
    overdue = overdue or {}
    overdue[stored[i]] = value
  end
end

-- Step 6: "*" asks for the removal of each.
local asked, first, wipe = ARGV, 9, ARGV[8] == '1'
if wipe then
  asked, first = {}, 1
  for key in pairs(live) do
    asked[#asked + 1] = key
    asked[#asked + 1] = '0'
    asked[#asked + 1] = ''
    asked[#asked + 1] = ''
  end
end

-- gone: stored values, by key, that the request took away or replaced.
-- origin: live keys that the request wrote -> the key the binding has in the store, true if new.
-- written: those keys, in the order of the contacts.
local gone, origin, written = {}, {}, {}
local outcome, refusal, grown = 'unchanged', nil, false

for i = first, #asked, 4 do
  local key, lifetime = asked[i], tonumber(asked[i + 1])
  local match, value = key, live[key]
  if not value and count > 0 then
    match = equal(live, key)
    value = match and live[match]
  end
  local from = value and origin[match]
  local repeated = false
  -- Step 7: within one Call-ID only a higher CSeq may touch a binding. That is asked of what was
  -- stored; of two equal contacts in one request the later wins.
  if value and not from and sub(value, 51, 66) == digest then
    local ahead = cseq - sub(value, 41, 50)
    -- What "*" still finds was not removed by this very request before.
    repeated = ahead == 0 and not wipe and now - sub(value, 15, 27) < tonumber(ARGV[4])
    if ahead <= 0 and not repeated then
      refusal = 'out_of_order'
      break
    end
  end
  if not repeated and (value or lifetime > 0) then
    local created, ruid
    if value then
      if not from then
        from, gone[match] = match, value
      end
      created, ruid = sub(value, 28, 40), sub(value, 67, find(value, '\n', 67, true) - 1)
      live[match], origin[match] = nil, nil
      count = count - 1
    else
      from, created, ruid = true, instant, asked[i + 2]
    end
    if lifetime > 0 then
      live[key] = '1' .. format('%d', now + lifetime) .. instant .. created .. cseq .. digest
        .. ruid .. asked[i + 3]
      origin[key] = from
      written[#written + 1] = key
      count = count + 1
      outcome = value and 'refreshed' or 'added'
      grown = grown or not value
    else
      outcome = 'removed'
    end
  end
end

local limit = tonumber(ARGV[5])
if not refusal and grown and limit > 0 and count > limit then refusal = 'too_many' end
if refusal then
  outcome, live, gone, written = refusal, {}, {}, {}
  for i = 1, #stored, 2 do
    if not (overdue and overdue[stored[i]]) then live[stored[i]] = stored[i + 1] end
  end
end

-- What a removal is, and what an event, is known once it is known which bindings live on.
local forgotten, events, news = {}, {}, {}

for i = 1, #written do
  local key = written[i]
  local from, value = origin[key], live[key]
  -- Not removed or replaced again, and written once however often the request named it.
  if from then
    origin[key] = nil
    call('HSET', bindings, key, value)
    call('ZADD', index, sub(value, 2, 14), aor .. '\n' .. key)
    local old = gone[from]
    if not old then
      news[#news + 1] = {'added', key, value}
    else
      gone[from] = nil
      if not live[from] then forgotten[#forgotten + 1] = from end
      local tail, at = sub(value, find(value, '\n', 67, true), -1), find(old, '\n', 67, true)
      -- A refresh that a reader could not tell from none is no event.
      if from ~= key or #old ~= at + #tail - 1 or find(old, tail, at, true) ~= at then
        news[#news + 1] = {'changed', key, value}
      end
    end
  end
end

if overdue then
  for key, value in pairs(overdue) do
    if not live[key] then forgotten[#forgotten + 1] = key end
    events[#events + 1] = {'expired', key, value}
  end
end
for key, value in pairs(gone) do
  if not live[key] then forgotten[#forgotten + 1] = key end
  events[#events + 1] = {'removed', key, value}
end
for i = 1, #forgotten do
  call('HDEL', bindings, forgotten[i])
  call('ZREM', index, aor .. '\n' .. forgotten[i])
end
for i = 1, #events + #news do
  local event = events[i] or news[i - #events]
  call('XADD', feed, 'MAXLEN', '~', ARGV[7], '*',
    'kind', event[1], 'aor', aor, 'key', event[2], 'value', event[3])
end

local reply, length, latest = {outcome, instant}, 2, 0
for key, value in pairs(live) do
  reply[length + 1] = key
  reply[length + 2] = value
  length = length + 2
  local expires_at = tonumber(sub(value, 2, 14))
  if expires_at > latest then latest = expires_at end
end
if latest > 0 and (#written > 0 or #forgotten > 0) then
  call('PEXPIREAT', bindings, format('%d', latest + ARGV[6]))
end
return reply
