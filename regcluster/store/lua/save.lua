-- Applies one REGISTER to one address-of-record, all or nothing (RFC 3261 section 10.3, steps 6
-- and 7). Everything is decided first and written after that, so a refusal has touched nothing but
-- bindings that were overdue, and a server out of memory refuses before the first write.
--
-- KEYS   1    bindings: hash, binding key -> value
--        2    index: sorted set, <aor> LF <binding key> scored by expires_at
--        3    feed: stream of changes
--        4    only for a connection that is the one way back: flows, sorted set of the AORs bound
--             over connections of its owner, scored by when the last binding expires
-- ARGV   1    aor
--        2    digest of the Call-ID, 16 characters
--        3    CSeq, 10 digits
--        4    how long an equal CSeq is a retransmission, ms
--        5    bindings the aor may hold; 0: any number
--        6    how long the hash outlives its last binding, ms
--        7    entries to keep in the feed, about
--        8    letters, for rules that apply to few requests:
--               *  remove every binding, and no contact follows
--               1  the first contact that is bound replaces all bindings
--               e  bindings refreshed longest ago make room where the aor would hold too many
--               f  a flow refreshed with another Call-ID removes its instance's other flows
--               s  a contact with an instance leaves the binding of its URI alone
--        9... four a contact: binding key, lifetime in ms (0: remove), ruid if it is new, and what
--             follows the ruid in a value; to remove it, that up to the LF or nothing
-- Reply  outcome, now in ms, then key and value of each binding that is alive
--
-- A value is a head of fixed width, a ruid, and a tail that is opaque here (codec.py):
--   version 1, expires_at 2-14, modified_at 15-27, created_at 28-40, cseq 41-50, digest 51-66,
--   ruid 67-, [SP, length of what a route script keeps, SP, length of the instance, SP, instance,
--   alias, TAB], LF, what a route script keeps, tail
-- What stands in brackets is there if any of it is; the instance is, where its key spells it in
-- another way.
-- A binding key (binding.py) is
--   of a URI        <strict part> or <strict part> SP <parameter>;<parameter>...
--   by its mode     "#", 16 characters, ":" and a key of a URI, or without that colon and key
--   of an instance  "+", instance, ";", reg-id; its alias is the key that it would have without
--
-- It runs for every REGISTER. What a request does not need, such as closures, is not made for it.

local call, format = redis.call, string.format
local sub, find, byte = string.sub, string.find, string.byte
local bindings, index, feed = KEYS[1], KEYS[2], KEYS[3]
local aor, digest, cseq, rules = ARGV[1], ARGV[2], ARGV[3], ARGV[8]

-- Whether `a` comes before `b` byte by byte: "<" would ask the server's locale.
local function precedes(a, b)
  local at = 1
  while at <= #a and byte(a, at) == byte(b, at) do at = at + 1 end
  return (byte(a, at) or -1) < (byte(b, at) or -1)
end

-- The parameters of the URI key `name` by their names, read once: who registers many contacts with
-- many parameters each would else have every one read for every other.
local parts = {}
local function parts_of(name, from)
  local found = parts[name]
  if not found then
    found = {}
    for parameter, rest in sub(name, from):gmatch('([^;=]+)([^;]*)') do found[parameter] = rest end
    parts[name] = found
  end
  return found
end

-- The live key that a contact means which is not there by its own: the one whose URI section 19.1.4
-- calls equal to the contact's, so that the strict parts are the same text, and no parameter named
-- in both has two values. Of several it is the one spelled the same way, else the least.
local function equal(live, key, tail)
  -- The alias, if there is one, in what begins with the ruid at `at`.
  local function alias_of(text, at)
    local length, names = text:match('^[^ \n]* %d+ (%d+) ([^\n]*)\t\n', at)
    return names and sub(names, length + 1) or ''
  end
  local is_flow = byte(key) == 43
  if is_flow then
    key = find(rules, 's', 1, true) and '' or alias_of(tail, 1)
  end
  local cut = find(key, ' ', 1, true) or #key + 1
  local strict, least, match = sub(key, 1, cut - 1), nil, nil
  local named
  for other, value in pairs(live) do
    local name = other
    -- A flow never means another one; a contact without an instance may mean a flow.
    if byte(name) == 43 then name = is_flow and '' or alias_of(value, 67) end
    -- Who does not say by what mode it matches means any.
    if byte(name) == 35 and byte(key) ~= 35 then name = sub(name, 19) end
    if name ~= '' and sub(name, 1, cut - 1) == strict
      and (#name < cut or byte(name, cut) == 32) then
      named = named or parts_of(key, cut + 1)
      local theirs, agree = parts_of(name, cut + 1), true
      for parameter, rest in pairs(named) do
        if (theirs[parameter] or rest) ~= rest then agree = false break end
      end
      if agree then
        if name == key then name = '' end
        if not match or precedes(name, least) or name == least and precedes(other, match) then
          least, match = name, other
        end
      end
    end
  end
  return match
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
local asked, first, wipe, single = ARGV, 9, false, false
if rules ~= '' then
  wipe, single = rules == '*', find(rules, '1', 1, true)
end
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
  local key, lifetime, tail = asked[i], tonumber(asked[i + 1]), asked[i + 3]
  local match, value, rivals = key, live[key], nil
  if not value and count > 0 then
    match = equal(live, key, tail)
    value = match and live[match]
  end
  local from = value and origin[match]
  local repeated = false
  -- Step 7: within one Call-ID only a higher CSeq may touch a binding. That is asked of what was
  -- stored; of two equal contacts in one request the later wins.
  if value and not from then
    if sub(value, 51, 66) == digest then
      local ahead = cseq - sub(value, 41, 50)
      -- What "*" still finds was not removed by this very request before.
      repeated = ahead == 0 and not wipe and now - sub(value, 15, 27) < tonumber(ARGV[4])
      if ahead <= 0 and not repeated then
        refusal = 'out_of_order'
        break
      end
    elseif match == key and byte(key) == 43 and find(rules, 'f', 1, true) then
      rivals = key:match('^.*;')
    end
  end
  if repeated then
    if single and lifetime > 0 then break end
  elseif value or lifetime > 0 then
    local created, ruid
    if value then
      if not from then
        from, gone[match] = match, value
      end
      local line = find(value, '\n', 67, true)
      created = sub(value, 28, 40)
      if byte(value, line - 1) ~= 9 then
        ruid = sub(value, 67, line - 1)
      else
        local length
        ruid, length = value:match('^([^ ]*) (%d+)', 67)
        if lifetime > 0 then
          local kept, names, rest = tail:match('^ (%d+) ([^\n]*)\t\n(.*)')
          if not kept then kept, names, rest = '0', '0 ', sub(tail, 2) end
          -- What a script keeps stays until a script says otherwise.
          if kept == '0' then kept, rest = length, sub(value, line + 1, line + length) .. rest end
          -- A contact that names no instance leaves a binding the one it has.
          if byte(match) == 43 and byte(key) ~= 43 then
            local size, instance = value:match('^[^ ]* %d+ (%d+) ([^\n]*)', 67)
            key, names = match, size .. ' ' .. sub(instance, 1, size) .. key
          end
          tail = ' ' .. kept .. ' ' .. names .. '\t\n' .. rest
        end
      end
      live[match], origin[match] = nil, nil
      count = count - 1
    else
      from, created, ruid = true, instant, asked[i + 2]
    end
    if lifetime > 0 then
      live[key] = '1' .. format('%d', now + lifetime) .. instant .. created .. cseq .. digest
        .. ruid .. tail
      origin[key] = from
      written[#written + 1] = key
      count = count + 1
      -- What this request has made itself is new, however often it names it.
      outcome = (value and from ~= true) and 'refreshed' or 'added'
      grown = grown or not value
      if single then rivals = '' end
      if rivals then
        -- All bindings whose key is this much and, if it names an instance, a reg-id.
        for other, old in pairs(live) do
          if other ~= key and sub(other, 1, #rivals) == rivals
            and (single or not find(other, ';', #rivals + 1, true)) then
            if not origin[other] then gone[other] = old end
            live[other], origin[other] = nil, nil
            count = count - 1
          end
        end
        break
      end
    else
      outcome = 'removed'
    end
  end
end

local limit = tonumber(ARGV[5])
if not refusal and grown and limit > 0 and count > limit then
  -- What the request has not written may have to make room.
  local spare = {}
  if find(rules, 'e', 1, true) then
    for key in pairs(live) do
      if not origin[key] then spare[#spare + 1] = key end
    end
  end
  if count - #spare > limit then
    refusal = 'too_many'
  else
    table.sort(spare, function(a, b)
      local early, late = tonumber(sub(live[a], 15, 27)), tonumber(sub(live[b], 15, 27))
      return early < late or early == late and precedes(a, b)
    end)
    for i = 1, count - limit do
      gone[spare[i]], live[spare[i]] = live[spare[i]], nil
    end
  end
end
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
      -- A refresh that a reader could not tell from none is no event. The ruid is the same.
      if from ~= key or sub(old, 67) ~= sub(value, 67) then
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
  if KEYS[4] and #written > 0 then
    -- Nobody takes out what is bound over another connection by now; it goes when it would expire.
    call('ZREMRANGEBYSCORE', KEYS[4], '-inf', instant)
    call('ZADD', KEYS[4], format('%d', latest), aor)
    if call('PTTL', KEYS[4]) < latest + ARGV[6] - now then
      call('PEXPIREAT', KEYS[4], format('%d', latest + ARGV[6]))
    end
  end
end
return reply
