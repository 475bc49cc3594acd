/** Mistakes in what clients do: in the shipped TypeScript. */
import type { Canary } from './canary.js';

export const CLIENT_CANARIES: readonly Canary[] = [
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
        find: 'validUntil(grant.since, grant.ttl, context.allowance)',
        replace: 'validUntil(context.clock.now(), grant.ttl, context.allowance)',
      },
    ],
  },
  {
    name: 'wall clock for validity',
    about: 'Validity is measured on a clock that may be set back.',
    changes: [
      {
        file: 'packages/lock/src/lease.ts',
        find: 'validUntil(grant.since, grant.ttl, context.allowance)',
        replace:
          'validUntil(context.clock.wall() / 1000 - context.clock.now() + grant.since, grant.ttl, context.allowance)',
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
        find: 'allowance: { drift, resolution: RESOLUTION }',
        replace: 'allowance: { drift: 0, resolution: 0 }',
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
        replace: `members.nodes.forEach((node, index) => void this.#heal(ttl, { node, vote: votes[index], since }));
    this.#conclude(resuming ?`,
      },
      {
        file: 'packages/lock/lua/rejoining.lua',
        find: 'or micros <= tonumber(proof) or',
        replace: 'or tonumber(proof) > 0 or',
      },
    ],
  },
  {
    name: 'proof that does not age',
    about: 'A heal counts from the vote of the node that lacks the lock, however late that came.',
    changes: [
      {
        file: 'packages/lock/src/lease.ts',
        find: 'const left = since + members.deployment.window - clock.now();',
        replace: 'const left = members.deployment.window;',
      },
    ],
  },
  {
    name: 'fence of one node followed',
    about: 'A client proposes above the highest fence, whether or not a majority would accept that.',
    changes: [
      {
        file: 'packages/lock/src/token-clock.ts',
        find: 'accepted.findLast((floor) => floor < estimate + this.#window) ?? accepted[0] ?? 0',
        replace: 'Math.max(this.#floor, 0, ...fences)',
      },
    ],
  },
  {
    name: 'call for nobody kept',
    about: 'Who gave up, but could not leave a queue, is called for ever.',
    changes: [
      {
        file: 'packages/lock/src/locks.ts',
        find: 'onNobody: (node, entry) => members.undo.evict(node, entry),',
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
        find: `\${this.window * 1000}, '\${retention}', `,
        replace: `\${this.window * 1000}, '\${Math.ceil(this.window / 4)}', `,
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
        file: 'packages/lock/src/attempt.ts',
        find: `  members.audit.requireDistinct();
  noticeQuarantine(context, votes);`,
        replace: `  await new Promise<void>((resolve) => clock.after(50, resolve));
  if (count(votes, 'granted') >= quorum && clock.now() < validUntil(since, ttl, context.allowance)) {
    return new HeldLease(context, grant);
  }
  members.audit.requireDistinct();
  noticeQuarantine(context, votes);`,
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
        file: 'packages/lock/src/attempt.ts',
        find: 'void members.undo.withdraw({ target, queued }, clock.now() + ttl, votes);',
        replace: '',
      },
    ],
  },
  {
    name: 'wake-up lost',
    about: 'Who is called does not hear it.',
    changes: [
      {
        file: 'packages/lock/src/line.ts',
        find: "else if (word === 'called') place.call(node, lockKey);",
        replace: "else if (word === 'called') return;",
      },
    ],
  },
  {
    name: 'guard unsealed',
    about: 'The mark is raised by the first write, not before the holder reads.',
    changes: [
      {
        file: 'packages/fence/src/redis/guard.ts',
        find: `const claim = requireClaim(holder, options);
    await this.#checked(seal, claim);`,
        replace: 'const claim = requireClaim(holder, options);',
      },
    ],
  },
  {
    name: 'release refused when full',
    about: 'A node whose memory is full refuses to let a lock go.',
    changes: [
      {
        file: 'packages/lock/src/verbs.ts',
        find: "'release', 'withdraw', 'reshare', 'unshare', 'retire'];",
        replace: "'withdraw', 'reshare', 'unshare', 'retire'];",
      },
    ],
  },
  {
    name: 'signal that does not abort',
    about: 'Nobody is told that the lease has ended.',
    changes: [
      {
        file: 'packages/kernel/src/lease-signal.ts',
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
      {
        file: 'packages/lock/src/renewal.ts',
        find: 'this.#at(this.#lease.renewalDue);\n  }\n',
        replace: '}\n',
      },
    ],
  },
  {
    name: 'one permit too many',
    about: 'A semaphore picks from one slot more than it has.',
    changes: [
      {
        file: 'packages/lock/src/semaphore.ts',
        find: 'let slot = 1 + below(permits);',
        replace: 'let slot = 1 + below(permits + 1);',
      },
      {
        file: 'packages/lock/src/semaphore.ts',
        find: 'if (slot > permits) slot = 1 + below(permits);',
        replace: '',
      },
    ],
  },
  {
    name: 'resize by its own number',
    about: 'A resize waits for the permits that its handle knows of, not for those that the nodes do.',
    changes: [
      {
        file: 'packages/lock/src/resize.ts',
        find: '      most = Math.max(most, ...[...seen.values()].map(permitsOf));\n',
        replace: '',
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
