/** Mistakes in the generations of a feature store, and in what is read of them. */
import type { Canary } from './canary.js';

const LUA = 'packages/features/lua';
const SRC = 'packages/features/src';

export const GENERATION_CANARIES: readonly Canary[] = [
  {
    name: 'a swap without its token',
    about: 'A builder that was replaced has its generation read.',
    changes: [
      {
        file: `${LUA}/swap.lua`,
        find: '  local refusal = refused(view, token, issuer)\n  if refusal then return refusal end\n',
        replace: '',
      },
    ],
  },
  {
    name: 'a change without its token',
    about: 'A builder that was replaced begins, cuts and retires.',
    changes: [
      {
        file: `${LUA}/generations.lua`,
        find: "if has and tonumber(token) < tonumber(has) then return {'stale', known, view} end",
        replace: '',
      },
    ],
  },
  {
    name: 'a swap of a cut that was undone',
    about: 'The end of a cut is not bound to its begin.',
    focus: 'swaps',
    changes: [
      {
        file: `${LUA}/swap.lua`,
        find: 'if not cutting or cutting.at ~= number or cutting.views ~= views then',
        replace: 'if not cutting then',
      },
    ],
  },
  {
    name: 'a cut that closes nothing',
    about: 'The generation that is read takes rows while it is replaced.',
    changes: [
      {
        file: `${LUA}/close.lua`,
        find: "redis.call('HSET', RECORD, 'closed:' .. ARGV[1], ARGV[2])",
        replace: '',
      },
    ],
  },
  {
    name: 'a cut that waits for nothing',
    about: 'A generation is read before its lanes have caught up.',
    changes: [
      {
        file: `${SRC}/generation/cut.ts`,
        find: '        if (lacks.length === 0 || isAccepted) break;\n',
        replace: '        break;\n',
      },
    ],
  },
  {
    name: 'a cut that looks at one partition',
    about: 'How far a lane has caught up is compared partition by partition, in the first one.',
    changes: [
      {
        file: `${SRC}/generation/gate.ts`,
        find: 'const wanted = extreme(offsetsOf(name, source, old), 1);',
        replace: 'const wanted = extreme(offsetsOf(name, source, old), -1);',
      },
    ],
  },
  {
    name: 'a closed generation that takes rows',
    about: 'A generation that is closed takes what comes from a source.',
    changes: [
      { file: `${LUA}/owner.lua`, find: "  if found[2] then return {'closed', found[2]} end\n", replace: '' },
    ],
  },
  {
    name: 'a generation that is never opened again',
    about: 'What a cut has closed stays closed.',
    changes: [
      { file: `${LUA}/reopen.lua`, find: "redis.call('HDEL', RECORD, 'closed:' .. ARGV[1])", replace: '' },
    ],
  },
  {
    name: 'a cut of the dead that nobody undoes',
    about: 'A builder that dies in a cut leaves its view closed for ever.',
    focus: 'deaths',
    changes: [
      {
        file: `${LUA}/overdue.lua`,
        find: 'if cutting and micros <= cutting.deadline then',
        replace: 'if cutting then',
      },
    ],
  },
  {
    name: 'a catalog that forgot and is not asked again',
    about: 'Who changes a catalog of another server does not ask the partitions first.',
    focus: 'restarts',
    changes: [
      {
        file: `${SRC}/store/catalog.ts`,
        find: "reply[0] === 'forgot' && name !== 'swap' && tries < TRIES",
        replace: 'tries < 0',
      },
    ],
  },
  {
    name: 'pointers that are held for ever',
    about: 'A reader goes on with what it has once learned to be live.',
    changes: [
      {
        file: `${SRC}/read/pointer.ts`,
        find: 'if (held !== undefined && age < POINTER_LEASE / 2) return held;',
        replace: 'if (held !== undefined) return held;',
      },
    ],
  },
  {
    name: 'rows that are dropped at once',
    about: 'The rows of a generation that was retired go before the lease of its readers is over.',
    focus: 'sweeps',
    changes: [{ file: `${SRC}/generation/generation.ts`, find: 'POINTER_LEASE)', replace: '0)' }],
  },
  {
    name: 'answers of half a cut',
    about: 'A cut of two views has them read one after the other.',
    focus: 'sweeps',
    changes: [
      {
        file: `${SRC}/features.ts`,
        find: '    await Generation.cut(this.#catalog, generations, options);',
        replace: '    for (const each of generations) await Generation.cut(this.#catalog, [each], options);',
      },
    ],
  },
  {
    name: 'numbers of generations given twice',
    about: 'A generation that was begun again has the number of the one before.',
    focus: 'sweeps',
    changes: [
      {
        file: `${LUA}/begin.lua`,
        find: ", 'last:' .. view, number, 'definition:'",
        replace: ", 'definition:'",
      },
    ],
  },
  {
    name: 'lanes of the new generation only',
    about: 'A cut asks only for lanes that the new generation has.',
    changes: [
      {
        file: `${SRC}/generation/gate.ts`,
        find: 'for (const name of namesIn(old)) {',
        replace: 'for (const name of namesIn(next)) {',
      },
    ],
  },
  {
    name: 'a way back that always accepts',
    about: 'What was read before is read again at once, whatever it lacks.',
    changes: [
      {
        file: `${SRC}/generation/rollback.ts`,
        find: "if (behind === 'refuse') await cut.make(patience);",
        replace: "if (behind === 'refuse') await cut.accept();",
      },
    ],
  },
  {
    name: 'a way back that names nothing',
    about: 'What the generation lacks that is read again is not said.',
    changes: [
      {
        file: `${SRC}/generation/rollback.ts`,
        find: 'view, id }) => [view, id])), missing };',
        replace: 'view, id }) => [view, id])), missing: [] };',
      },
    ],
  },
  {
    name: 'rows that are never absent',
    about: 'The comparison of two generations finds no row absent.',
    changes: [{ file: `${LUA}/absent.lua`, find: 'absent = absent + 1', replace: 'absent = absent' }],
  },
  {
    name: 'a gap past an empty partition',
    about: 'A partition that has taken in nothing takes in records from anywhere.',
    focus: 'losses',
    changes: [
      {
        file: `${SRC}/lane/outbox.ts`,
        find: "if (reply.word !== 'closed' && reply.word !== 'stale') throw new Elsewhere();",
        replace: "if (reply.word === 'gap') throw new Elsewhere();",
      },
      {
        file: `${LUA}/owner.lua`,
        find: "if after ~= taken then return {'gap', taken} end",
        replace: "if found[1] and after ~= taken then return {'gap', taken} end",
      },
    ],
  },
  {
    name: 'a log in the order of its clock',
    about: 'Entries of a log have the ids that the server gives them, and its places are other ones.',
    changes: [
      {
        file: `${LUA}/record.lua`,
        find: "else redis.call('XADD', LOG, id, ...) end",
        replace: "else redis.call('XADD', LOG, '*', ...) end",
      },
    ],
  },
  {
    name: 'offsets before their rows',
    about: 'A partition is told how far it has taken in the source before the rows of it land.',
    changes: [
      {
        file: `${SRC}/lane/outbox.ts`,
        find: '      await this.#settle(end, () => this.#land(part, end));\n',
        replace:
          '      await this.#settle(end, () => this.#tell(end));\n      await this.#settle(end, () => this.#land(part, end));\n',
      },
    ],
  },
  {
    name: 'repeated before stale',
    about: 'A holder that was replaced is told that its records were taken in already.',
    focus: 'takeovers',
    changes: [
      {
        file: `${LUA}/land.lua`,
        find: 'local refusal = refused(generation, lane, mark, source, own) or misplaced(generation, lane, source, after, through)',
        replace:
          "local refusal = misplaced(generation, lane, source, after, through)\nif not refusal or refusal[1] ~= 'repeated' then refusal = refused(generation, lane, mark, source, own) or refusal end",
      },
    ],
  },
  {
    name: 'an undone cut without a number',
    about: 'A cut that is undone is no change of the catalog.',
    focus: 'cuts',
    changes: [
      {
        file: `${LUA}/cutting.lua`,
        find: 'local function undo(cutting)\n  n = n + 1\n',
        replace: 'local function undo(cutting)\n',
      },
    ],
  },
];
