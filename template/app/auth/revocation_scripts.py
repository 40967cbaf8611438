# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""What Redis does in one step for the lease protocol.

KEYS are always: 1 the epoch, 2 the workers, 3 the log. The epoch begins with the `run_id` of the
server process that it was made on: a restarted, restored or promoted server is another one, and
whatever it holds is then of no epoch. The hash of the workers holds the epoch too, so that neither
key can be lost alone. Nothing here depends on Redis' clock, the length of the log aside.
"""

# Sets `epoch` to false when nothing here can be believed.
_BEGIN = """
local run_id = string.match(redis.call('INFO', 'server'), 'run_id:(%S+)')
local epoch = redis.call('GET', KEYS[1])
if epoch and not (string.sub(epoch, 1, #run_id + 1) == run_id .. ':'
    and epoch == redis.call('HGET', KEYS[2], 'epoch')) then epoch = false end
"""

# ARGV: 1 a name that no epoch had before.
OPEN = (
    _BEGIN
    + """
if not epoch then
  redis.call('DEL', KEYS[1], KEYS[2], KEYS[3])
  redis.call('HSET', KEYS[2], 'epoch', run_id .. ':' .. ARGV[1], 'last', 0, 'settled', 0)
  redis.call('SET', KEYS[1], run_id .. ':' .. ARGV[1])
end
return redis.call('HGETALL', KEYS[2])
"""
)

# KEYS from 4: one for each denial. ARGV: 1 the epoch that it must be, or empty; 2 seconds that the
# log goes back, 0 for no entry in it; then for each denial kind, value, version, end, milliseconds.
# Keeps the highest version and the longest life, so that denials may come twice or out of order.
WRITE = (
    _BEGIN
    + """
if not epoch or (ARGV[1] ~= '' and ARGV[1] ~= epoch) then return false end
local keep, now = tonumber(ARGV[2]), tonumber(redis.call('TIME')[1])
for i = 4, #KEYS do
  local at = 5 * (i - 4) + 3
  local version, ttl = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 4])
  version = math.max(version, tonumber(redis.call('GET', KEYS[i]) or '-1'))
  ttl = math.max(ttl, redis.call('PTTL', KEYS[i]))
  redis.call('SET', KEYS[i], version, 'PX', ttl)
  if keep > 0 then
    local number = redis.call('HINCRBY', KEYS[2], 'last', 1)
    redis.call('XADD', KEYS[3], number .. '-0', 'epoch', epoch, 'kind', ARGV[at],
      'value', ARGV[at + 1], 'version', ARGV[at + 2], 'end', ARGV[at + 3], 'time', now)
  end
end
if keep > 0 then
  -- Twice as many as were added, so that what is too old is gone soon.
  local oldest = redis.call('XRANGE', KEYS[3], '-', '+', 'COUNT', 2 * (#KEYS - 3))
  for _, entry in ipairs(oldest) do
    if tonumber(entry[2][12]) < now - keep then redis.call('XDEL', KEYS[3], entry[1]) end
  end
end
return redis.call('HGETALL', KEYS[2])
"""
)

# ARGV: 1 epoch, 2 worker or empty, 3 applied, 4 whether the epoch is settled; then worker and
# grants of each record to delete. A record is "applied grants".
RENEW = (
    _BEGIN
    + """
if epoch ~= ARGV[1] then return false end
for i = 5, #ARGV, 2 do
  local record = redis.call('HGET', KEYS[2], 'worker:' .. ARGV[i])
  if record and string.match(record, ' (%d+)$') == ARGV[i + 1] then
    redis.call('HDEL', KEYS[2], 'worker:' .. ARGV[i])
  end
end
if ARGV[2] ~= '' then
  local name = 'worker:' .. ARGV[2]
  local applied, grants = string.match(redis.call('HGET', KEYS[2], name) or '0 0', '(%d+) (%d+)')
  applied = math.max(tonumber(applied), tonumber(ARGV[3]))
  redis.call('HSET', KEYS[2], name, string.format('%.0f %.0f', applied, grants + 1))
end
if ARGV[4] == '1' then redis.call('HSET', KEYS[2], 'settled', 1) end
return redis.call('HGETALL', KEYS[2])
"""
)
