/**
 * The canaries: mistakes that somebody could make in the protocol or the client. A simulator that does not catch them
 * proves nothing.
 */
import type { Canary } from './canary.js';

export const CANARIES: readonly Canary[] = [
  {
    name: 'no fence check',
    about: 'A node grants a token that is not above its fence.',
    changes: [
      {
        file: 'packages/lock/lua/acquire.lua',
        find: 'elseif mark and tonumber(mark) >= tonumber(token) then',
        replace: 'elseif false then',
      },
      {
        file: 'packages/lock/lua/contend.lua',
        find: "if mark and tonumber(mark) >= tonumber(token) then return 'stale:' .. mark end",
        replace: '',
      },
    ],
  },
  {
    name: 'fence not written',
    about: 'A grant leaves no fence.',
    changes: [
      {
        file: 'packages/lock/lua/admission.lua',
        find: "redis.call('SET', fence, token .. ' ' .. (mark or 0), 'PX', RETENTION)",
        replace: '',
      },
    ],
  },
  {
    name: 'no quarantine',
    about: 'A node that may have forgotten votes at once.',
    changes: [
      { file: 'packages/lock/lua/admission.lua', find: 'if now < votes_from then', replace: 'if false then' },
    ],
  },
  {
    name: 'quarantine too short',
    about: 'A node votes again before the longest lease that it forgot has ended.',
    changes: [
      {
        file: 'packages/lock/src/deployment.ts',
        find: 'this.quarantine = Math.max(',
        replace: 'this.quarantine = Math.min(20, ',
      },
    ],
  },
  {
    name: 'deployment record not checked',
    about: 'A node does not notice that it is not the server that was admitted.',
    changes: [
      {
        file: 'packages/lock/lua/admission.lua',
        find: 'if record[2] ~= SERVER then',
        replace: 'if not record[2] then',
      },
    ],
  },
  {
    name: 'no window',
    about: 'A node grants tokens however far they are from its clock.',
    changes: [
      {
        file: 'packages/lock/lua/acquire.lua',
        find: 'math.abs(tonumber(token) - now) > WINDOW',
        replace: 'false',
      },
      {
        file: 'packages/lock/lua/contend.lua',
        find: 'math.abs(tonumber(token) - now) > WINDOW',
        replace: 'false',
      },
    ],
  },
  {
    name: 'minority quorum',
    about: 'Less than a majority is enough.',
    changes: [
      {
        file: 'packages/lock/src/deployment.ts',
        find: 'this.quorum = Math.floor(nodes / 2) + 1',
        replace: 'this.quorum = Math.max(1, Math.floor(nodes / 2))',
      },
    ],
  },
  {
    name: 'even split accepted',
    about: 'Half of an even number of nodes is enough.',
    changes: [
      {
        file: 'packages/lock/src/deployment.ts',
        find: 'this.quorum = Math.floor(nodes / 2) + 1',
        replace: 'this.quorum = Math.ceil(nodes / 2)',
      },
    ],
  },
  {
    name: 'validity without elapsed time',
    about: 'The lease counts from the answer, not from the question.',
    changes: [
      {
        file: 'packages/lock/src/lease.ts',
        find: 'this.#validUntil = grant.since + context.validity(grant.ttl)',
        replace: 'this.#validUntil = context.clock.now() + context.validity(grant.ttl)',
      },
    ],
  },
  {
    name: 'wall clock for validity',
    about: 'Validity is measured on a clock that may be set back.',
    changes: [
      {
        file: 'packages/lock/src/lease.ts',
        find: 'this.#validUntil = grant.since + context.validity(grant.ttl)',
        replace:
          'this.#validUntil = context.clock.wall() / 1000 - context.clock.now() + grant.since + context.validity(grant.ttl)',
      },
      {
        file: 'packages/lock/src/lease.ts',
        find: 'return Math.max(0, this.#validUntil - this.#context.clock.now())',
        replace: 'return Math.max(0, this.#validUntil - this.#context.clock.wall() / 1000)',
      },
    ],
  },
  {
    name: 'no allowance for drift',
    about: 'Clocks are taken to run alike.',
    changes: [
      {
        file: 'packages/lock/src/locks.ts',
        find: 'validity: (ttl) => ttl - ttl * drift - RESOLUTION',
        replace: 'validity: (ttl) => ttl',
      },
    ],
  },
  {
    name: 'release without owner',
    about: 'A release deletes the lock whoever holds it.',
    changes: [
      {
        file: 'packages/lock/lua/release.lua',
        find: "if holder == value or (waited and holder == '0 ' .. owner) then",
        replace: 'if holder then',
      },
    ],
  },
  {
    name: 'withdrawal without owner',
    about: 'Who withdraws a failed attempt deletes the lock of whoever holds it.',
    changes: [
      {
        file: 'packages/lock/lua/withdraw.lua',
        find: "if redis.call('GET', lock) == value then",
        replace: "if redis.call('GET', lock) then",
      },
    ],
  },
  {
    name: 'heal without a kept majority',
    about: 'Nodes are healed behind an extend that no majority kept.',
    changes: [
      {
        file: 'packages/lock/src/lease.ts',
        find: 'this.#conclude(resuming ?',
        replace: `members.nodes.forEach((node, index) => void this.#heal(healing, node, votes[index]));
    this.#conclude(resuming ?`,
      },
      { file: 'packages/lock/lua/rejoin.lua', find: 'or now <= proof then', replace: 'or proof > 0 then' },
    ],
  },
  {
    name: 'vouching without the memory rule',
    about: 'A node vouches for a token that is older than its memory.',
    changes: [
      {
        file: 'packages/lock/lua/extend.lua',
        find: 'elseif mark or tonumber(token) > memory then',
        replace: 'elseif true then',
      },
      {
        file: 'packages/lock/lua/rejoin.lua',
        find: 'elseif holder or mark or tonumber(token) > memory or now <= proof then',
        replace: 'elseif true then',
      },
    ],
  },
  {
    name: 'vouching without the fence',
    about: 'A node vouches for a token below its fence.',
    changes: [
      {
        file: 'packages/lock/lua/extend.lua',
        find: 'elseif mark and tonumber(mark) > tonumber(token) then',
        replace: 'elseif false then',
      },
      {
        file: 'packages/lock/lua/rejoin.lua',
        find: 'elseif mark and tonumber(mark) > tonumber(token) then',
        replace: 'elseif false then',
      },
    ],
  },
  {
    name: 'extend of another lease',
    about: 'An extend prolongs the lock whoever holds it.',
    changes: [
      { file: 'packages/lock/lua/extend.lua', find: 'if holder == value then', replace: 'if holder then' },
    ],
  },
  {
    name: 'extend that shortens',
    about: 'An extension with a shorter TTL takes away what its holder may still rely on.',
    changes: [
      {
        file: 'packages/lock/lua/admission.lua',
        find: "if redis.call('PTTL', lock) < tonumber(ttl) then redis.call('PEXPIRE', lock, ttl) end",
        replace: "redis.call('PEXPIRE', lock, ttl)",
      },
    ],
  },
  {
    name: 'call for nobody kept',
    about: 'Who gave up, but could not leave a queue, is called for ever.',
    changes: [
      {
        file: 'packages/lock/src/locks.ts',
        find: 'onNobody: (node, entry) => members.strike(node, entry),',
        replace: 'onNobody: () => {},',
      },
    ],
  },
  {
    name: 'retention below 2W',
    about: 'Fences are forgotten sooner than clocks may differ.',
    changes: [
      {
        file: 'packages/lock/src/deployment.ts',
        find: `\${this.window * 1000}, \${retention}, `,
        replace: `\${this.window * 1000}, \${Math.ceil(this.window / 4)}, `,
      },
    ],
  },
  {
    name: 'extend that does not refresh retention',
    about: 'The fence of a lease in use expires.',
    changes: [
      {
        file: 'packages/lock/lua/extend.lua',
        find: "redis.call('SET', fence, token, 'PX', RETENTION)",
        replace: '',
      },
    ],
  },
  {
    name: 'reply of a timed-out node counted',
    about: 'A vote that comes when the attempt was withdrawn is counted all the same.',
    changes: [
      {
        file: 'packages/lock/src/round.ts',
        find: `    if (this.closed) {
`,
        replace: `    if (this.closed) {
      this.votes[ballot.index] = vote;
`,
      },
      {
        file: 'packages/lock/src/acquire.ts',
        find: `  members.requireDistinct();
  learn(context, votes);`,
        replace: `  await pause(clock, 50);
  if (count(votes, 'granted') >= quorum && clock.now() < since + context.validity(ttl)) {
    return new HeldLease(context, { kind: mode.kind, resource, token, owner, ttl, since, request });
  }
  members.requireDistinct();
  learn(context, votes);`,
      },
    ],
  },
  {
    name: 'group commit that mixes replies',
    about: 'The replies of a batch go to the wrong operations.',
    changes: [
      {
        file: 'packages/redis/src/group-commit.ts',
        find: 'operation.settle(results[index])',
        replace: 'operation.settle(results[results.length - 1 - index])',
      },
    ],
  },
  {
    name: 'failed attempt not withdrawn',
    about: 'What a minority granted stays until it expires.',
    changes: [
      {
        file: 'packages/lock/src/acquire.ts',
        find: 'void members.withdraw(request, clock.now() + ttl, votes);',
        replace: '',
      },
    ],
  },
  {
    name: 'wake-up lost',
    about: 'Who is called does not hear it.',
    changes: [
      {
        file: 'packages/lock/src/waiting.ts',
        find: "else if (word === 'called') place.call(node, lockKey);",
        replace: "else if (word === 'called') return;",
      },
    ],
  },
  {
    name: 'dead waiter not passed over',
    about: 'The lock is reserved for somebody who does not listen.',
    changes: [
      {
        file: 'packages/lock/lua/queue.lua',
        find: "return type(listening) == 'number' and listening > 0",
        replace: 'return true',
      },
    ],
  },
  {
    name: 'reservation not kept',
    about: 'A lock that is reserved is granted to anybody.',
    changes: [
      {
        file: 'packages/lock/lua/contend.lua',
        find: "if holder and holder ~= '0 ' .. owner then",
        replace: "if holder and string.sub(holder, 1, 2) ~= '0 ' then",
      },
    ],
  },
  {
    name: 'guard check apart from the write',
    about: 'The guard checks when it is sealed, and not when it writes.',
    changes: [
      {
        file: 'packages/fence/lua/write.lua',
        find: `local refused = refusal()
if refused then return refused end`,
        replace: '',
      },
    ],
  },
  {
    name: 'guard unsealed',
    about: 'The mark is raised by the first write, not before the holder reads.',
    changes: [
      {
        file: 'packages/fence/src/redis/guard.ts',
        find: 'await this.#checked(sealScript, { resource, token });',
        replace: '',
      },
    ],
  },
  {
    name: 'guard that starts again from zero',
    about: 'A store that has lost its marks accepts any token.',
    changes: [
      {
        file: 'packages/fence/lua/memory.lua',
        find: 'if admitted > 0 and token <= memory then',
        replace: 'if false then',
      },
    ],
  },
  {
    name: 'signal that does not abort',
    about: 'Nobody is told that the lease has ended.',
    changes: [
      {
        file: 'packages/lock/src/lease-signal.ts',
        find: `    this.#controller.abort(reason);
`,
        replace: '',
      },
    ],
  },
  {
    name: 'no renewal',
    about: 'A lease that is to be renewed is not.',
    changes: [
      { file: 'packages/lock/src/renewal.ts', find: 'this.#after(this.#lease.ttl / 3);', replace: '' },
    ],
  },
  {
    name: 'writer beside readers',
    about: 'A shared lock is granted to a writer.',
    changes: [
      {
        file: 'packages/lock/lua/contend.lua',
        find: "if holder and holder ~= '0 ' .. owner then",
        replace: "if holder and holder ~= '0 ' .. owner and not string.match(holder, ' %*$') then",
      },
    ],
  },
  {
    name: 'first reader ends the group',
    about: 'The lock is free when one of several readers has finished.',
    changes: [{ file: 'packages/lock/lua/unshare.lua', find: 'over = not last', replace: 'over = true' }],
  },
  {
    name: 'one permit too many',
    about: 'A semaphore picks from one slot more than it has.',
    changes: [
      {
        file: 'packages/lock/src/semaphore.ts',
        find: 'const slots = this.#slots;',
        replace: `const slots = [...this.#slots, \`\${this.name}#\${this.#permits + 1}\`];`,
      },
    ],
  },
  {
    name: 'several without one',
    about: 'Some of several resources are enough.',
    changes: [
      {
        file: 'packages/lock/src/several.ts',
        find: 'if (won.length === resources.length) return won;',
        replace: 'if (won.length > 0) return won;',
      },
    ],
  },
];
