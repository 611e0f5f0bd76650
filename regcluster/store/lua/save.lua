-- Applies one REGISTER to one address-of-record, all or nothing (RFC 3261 section 10.3, steps 6
-- and 7). Everything is decided first and written after that, so a refusal has touched nothing but
-- bindings that were overdue, and a server out of memory refuses before the first write.
--
-- KEYS   1    bindings: hash, binding key -> value
--        2    index: sorted set, <aor> LF <binding key> scored by when to look: at expires_at or,
--             where a refresh left the entry alone, before
--        3    feed: stream of changes
--        4    only for a connection that is the one way back: flows, sorted set of the AORs bound
--             over connections of its owner, scored by when the last binding expires
-- ARGV   1    aor
--        2    digest of the Call-ID, 16 characters
--        3    CSeq, 10 digits
--        4    terms: how long the hash outlives its last binding, ms, 13 digits; letters, for rules
--             that apply to few requests; and, with a SP before each, how long an equal CSeq is a
--             retransmission, ms; bindings the aor may hold, 0: any number; entries to keep in the
--             feed, about. One argument, for each costs as much as reading one out of it, and the
--             last four are rarely asked for.
--               *  remove every binding, and no contact follows
--               1  the first contact that is bound replaces all bindings
--               e  bindings refreshed longest ago make room where the aor would hold too many
--               f  a flow refreshed with another Call-ID removes its instance's other flows
--               s  a contact with an instance leaves the binding of its URI alone
--        5... four a contact: binding key, lifetime in ms (0: remove), ruid if it is new, and what
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
-- It runs for every REGISTER: what most requests do not need, such as closures and empty tables, is
-- not made for them.

local call, next, string, asked = redis.call, next, string, ARGV
local byte, find, format, sub = string.byte, string.find, string.format, string.sub
local bindings, index = KEYS[1], KEYS[2]
local aor, digest, cseq, terms = asked[1], asked[2], asked[3], asked[4]

-- Microseconds are told without leading zeros.
local time = call('TIME')
local instant = time[1] .. sub('00000' .. time[2], -6, -4)
local now = instant + 0

-- live: value by key, as the request leaves them. Overdue bindings count as absent.
local live, count, overdue = {}, 0, nil
local stored = call('HGETALL', bindings)
for i = 1, #stored, 2 do
  local value = stored[i + 1]
  if sub(value, 2, 14) - now > 0 then
    live[stored[i]] = value
    count = count + 1
  else
    overdue = overdue or {}
    overdue[stored[i]] = value
  end
end

-- Step 6: "*" asks for the removal of each.
local first, rules, wipe, single = 5, '', false, false
if byte(terms, 14) ~= 32 then
  rules = terms:match('^[^ ]*', 14)
  wipe, single = rules == '*', find(rules, '1', 1, true)
end
if wipe then
  asked, first = {}, 1
  for key in next, live do
    asked[#asked + 1] = key
    asked[#asked + 1] = '0'
    asked[#asked + 1] = ''
    asked[#asked + 1] = ''
  end
end

-- One contact, bound by the key it has, asks for none of these.
-- bound: live keys that the request wrote -> where in `asked`.
local bound, precedes, equal
if rules ~= '' or asked[first + 4] or count > 0 and not live[asked[first]] then
  bound = {}

  -- Whether `a` comes before `b` byte by byte: "<" would ask the server's locale.
  function precedes(a, b)
    local at = 1
    while at <= #a and byte(a, at) == byte(b, at) do at = at + 1 end
    return (byte(a, at) or -1) < (byte(b, at) or -1)
  end

  -- The parameters of the URI key `name` by their names, read once: who registers many contacts
  -- with many parameters each would else have every one read for every other.
  local parts = {}
  local function parts_of(name, from)
    local found = parts[name]
    if not found then
      found = {}
      for parameter, rest in sub(name, from):gmatch('([^;=]+)([^;]*)') do
        found[parameter] = rest
      end
      parts[name] = found
    end
    return found
  end

  -- The alias, if there is one, in what begins with the ruid at `at`.
  local function alias_of(text, at)
    local length, names = text:match('^[^ \n]* %d+ (%d+) ([^\n]*)\t\n', at)
    return names and sub(names, length + 1) or ''
  end

  -- The live key that a contact means which is not there by its own: the one whose URI section
  -- 19.1.4 calls equal to the contact's, so that the strict parts are the same text, and no
  -- parameter named in both has two values. Of several it is the one spelled the same way, else the
  -- least.
  function equal(key, tail)
    local is_flow = byte(key) == 43
    if is_flow then
      key = find(rules, 's', 1, true) and '' or alias_of(tail, 1)
    end
    local cut = find(key, ' ', 1, true) or #key + 1
    local strict, least, match = sub(key, 1, cut - 1), nil, nil
    local named
    for other, value in next, live do
      local name = other
      -- A flow never means another one; a contact without an instance may mean a flow.
      if byte(name) == 43 then name = is_flow and '' or alias_of(value, 67) end
      -- Who does not say by what mode it matches means any.
      if byte(name) == 35 and byte(key) ~= 35 then name = sub(name, 19) end
      if name ~= '' and sub(name, 1, cut - 1) == strict
        and (#name < cut or byte(name, cut) == 32) then
        named = named or parts_of(key, cut + 1)
        local theirs, agree = parts_of(name, cut + 1), true
        for parameter, rest in next, named do
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
end

-- asked: up to `last` a contact gives way to what became of it: the key; when it expires; the stored
-- value it took the place of, true if it is new; the key of that. The key of what came to nothing is
-- false, and so is that of what went again.
-- gone: stored values, by key, that the request took away.
-- news: keys that the request wrote, and a reader can tell -> kind of event.
local gone, news, refusal, grown
local last, outcome = 0, 'unchanged'

for i = first, #asked, 4 do
  local key, lifetime, ruid, tail = asked[i], asked[i + 1] + 0, asked[i + 2], asked[i + 3]
  local match, value, rivals = key, live[key], nil
  if not value and count > 0 then
    match = equal(key, tail)
    value = match and live[match]
  end
  local place = value and bound and bound[match]
  local repeated = false
  -- Step 7: within one Call-ID only a higher CSeq may touch a binding. That is asked of what was
  -- stored; of two equal contacts in one request the later wins.
  if value and not place then
    if sub(value, 51, 66) == digest then
      local ahead = cseq - sub(value, 41, 50)
      -- What "*" still finds was not removed by this very request before.
      repeated = ahead == 0 and not wipe and now - sub(value, 15, 27) < terms:match(' (%d+)') + 0
      if ahead <= 0 and not repeated then
        refusal = 'out_of_order'
        break
      end
    elseif match == key and byte(key) == 43 and find(rules, 'f', 1, true) then
      rivals = key:match('^.*;')
    end
  end
  asked[i] = false
  last = i
  if repeated then
    if single and lifetime > 0 then break end
  elseif value or lifetime > 0 then
    local old, from, created = true, key, instant
    if value then
      old, from = value, match
      if place then
        old, from = asked[place + 2], asked[place + 3]
        asked[place] = false
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
      live[match] = nil
      if bound then bound[match] = nil end
      count = count - 1
    end
    if lifetime > 0 then
      local expires_at, rest_at = format('%d', now + lifetime), 67 + #ruid
      live[key] = '1' .. expires_at .. instant .. created .. cseq .. digest .. ruid .. tail
      place = place or i
      asked[place] = key
      asked[place + 1] = expires_at
      asked[place + 2] = old
      asked[place + 3] = from
      if bound then bound[key] = place end
      count = count + 1
      -- What this request has made itself is new, however often it names it.
      outcome = old == true and 'added' or 'refreshed'
      grown = grown or not value
      -- A refresh that a reader could not tell from none is no event. The ruid is the same.
      local same = from == key and old ~= true and #old == rest_at + #tail - 1
        and find(old, tail, rest_at, true)
      if news or not same then
        news = news or {}
        news[key] = not same and (old == true and 'added' or 'changed') or nil
      end
      if single then rivals = '' end
      if rivals then
        gone = gone or {}
        -- All bindings whose key is this much and, if it names an instance, a reg-id.
        for other, current in next, live do
          if other ~= key and sub(other, 1, #rivals) == rivals
            and (single or not find(other, ';', #rivals + 1, true)) then
            local spot = bound[other]
            if spot then
              current, asked[spot] = asked[spot + 2], false
              if current ~= true then gone[asked[spot + 3]] = current end
            else
              gone[other] = current
            end
            live[other], bound[other] = nil, nil
            count = count - 1
          end
        end
        break
      end
    else
      if old ~= true then
        gone = gone or {}
        gone[from] = old
      end
      outcome = 'removed'
    end
  end
end

local limit = grown and terms:match(' %d+ (%d+)') + 0
if grown and not refusal and limit > 0 and count > limit then
  -- What the request has not written may have to make room.
  local spare = {}
  if find(rules, 'e', 1, true) then
    for key in next, live do
      if not bound[key] then spare[#spare + 1] = key end
    end
  end
  if count - #spare > limit then
    refusal = 'too_many'
  else
    table.sort(spare, function(a, b)
      local early, late = sub(live[a], 15, 27) + 0, sub(live[b], 15, 27) + 0
      return early < late or early == late and precedes(a, b)
    end)
    gone = gone or {}
    for i = 1, count - limit do
      gone[spare[i]], live[spare[i]] = live[spare[i]], nil
    end
    count = limit
  end
end
if refusal then
  outcome, live, last, gone, news = refusal, {}, 0, nil, nil
  for i = 1, #stored, 2 do
    if not (overdue and overdue[stored[i]]) then live[stored[i]] = stored[i + 1] end
  end
end

local written, latest = 0, 0
for i = first, last, 4 do
  local key = asked[i]
  if key then
    local expires_at = asked[i + 1] + 0
    call('HSET', bindings, key, live[key])
    written = written + 1
    -- A look that comes too early costs the sweeper less than moving the entry costs each refresh.
    local before = asked[i + 2]
    if before == true or asked[i + 3] ~= key or expires_at < sub(before, 2, 14) + 0 then
      call('ZADD', index, asked[i + 1], aor .. '\n' .. key)
    end
    if expires_at > latest then latest = expires_at end
  end
end

-- What has gone is known once it is known which bindings live on.
if overdue or gone or news then
  local feed, length = KEYS[3], terms:match('%d+$')
  local function forget(key)
    if not live[key] then
      call('HDEL', bindings, key)
      call('ZREM', index, aor .. '\n' .. key)
    end
  end
  local function tell(kind, key, value)
    call('XADD', feed, 'MAXLEN', '~', length, '*',
      'kind', kind, 'aor', aor, 'key', key, 'value', value)
  end
  for key, value in next, overdue or {} do
    forget(key)
    tell('expired', key, value)
  end
  for key, value in next, gone or {} do
    forget(key)
    tell('removed', key, value)
  end
  for i = first, last, 4 do
    local key = asked[i]
    if key and news and news[key] then
      forget(asked[i + 3])
      tell(news[key], key, live[key])
    end
  end
end

-- Room for one binding is made at once.
local reply, length = {outcome, instant, nil, nil}, 2
for key, value in next, live do
  reply[length + 1] = key
  reply[length + 2] = value
  length = length + 2
  if written < count then
    local expires_at = sub(value, 2, 14) + 0
    if expires_at > latest then latest = expires_at end
  end
end
if latest > 0 and (written > 0 or overdue or gone) then
  local forgotten_at = format('%d', latest + sub(terms, 1, 13))
  call('PEXPIREAT', bindings, forgotten_at)
  if KEYS[4] and written > 0 then
    -- Nobody takes out what is bound over another connection by now; it goes when it would expire.
    call('ZREMRANGEBYSCORE', KEYS[4], '-inf', instant)
    call('ZADD', KEYS[4], format('%d', latest), aor)
    if call('PTTL', KEYS[4]) < forgotten_at - now then
      call('PEXPIREAT', KEYS[4], forgotten_at)
    end
  end
end
return reply
